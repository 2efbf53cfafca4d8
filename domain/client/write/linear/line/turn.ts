import { type KnownTips, TURN, type TurnReport } from '../../../../admin/turn.js';
import { readReport } from '../../../../admin/verb.js';
import { ledgerRef, trackingRef } from '../../../../ledger/refs.js';
import { KvError } from '../../../../../ports/error.js';
import type { Clone, WritingPorts } from '../../../clone/clone.js';
import { type FullLine, lineIsFull } from '../../../remote/patience.js';

/** A turn to push, which is over with the push, after its time, or when it is given back. */
export interface HeldTurn extends TurnReport {
  /** Its push goes over the connection on which it was asked for. */
  readonly ownWay: boolean;
  release(): void;
}

const NO_TIPS: KnownTips = { ledger: null, index: null };

/** What a Stargate answers that has no line, or whose line was broken: then luck decides, as without one, and the push finds who leads. */
const NO_LINE: ReadonlySet<string> = new Set(['USAGE', 'NOT_SUPPORTED', 'NOT_LEADER', 'IO_ERROR', 'BUSY', 'INTERRUPTED']);

/** For how long a line that is full is asked again. Milliseconds. */
const LINE_PATIENCE_MS = 120_000;
/** After such a part of a full line there is room for as many again. */
const PART_OF_LINE = 1 / 4;
/** A pause before asking again is never shorter, nor longer. Milliseconds. */
const SHORTEST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Stands in line at the Stargate until this clone may push to a namespace before all others; waits, and asks again, where the line is full.
 * Null where there is no line, or none that had room for two minutes. The answer brings what is new since `have`, where the Stargate knows how.
 */
export async function takeTurn(
  clone: Clone,
  { randomness }: Pick<WritingPorts, 'randomness'>,
  ns: string,
  have: KnownTips = NO_TIPS,
): Promise<HeldTurn | null> {
  const until = clone.clock.now() + LINE_PATIENCE_MS;
  for (let tries = 0; ; tries++) {
    const found = await stand(clone, ns, have);
    if (found === null || 'token' in found) return found;
    if (tries === 0) clone.onWarning?.(`${found.message}: waiting for a place in line`);
    if (clone.clock.now() >= until) return null;
    const [byte = 0] = randomness.bytes(1);
    await clone.clock.sleep(pauseBeforeLine(found, byte));
  }
}

/** How long to wait before a full line is asked again: about as long as a part of it takes, spread by a random byte. Milliseconds. */
export function pauseBeforeLine({ standing, turnMs }: Omit<FullLine, 'message'>, byte: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, standing * turnMs * PART_OF_LINE);
  return Math.round(Math.max(SHORTEST_PAUSE_MS, (longest * (1 + byte / 255)) / 2));
}

/** One attempt: the turn, the line that is full, or null where luck is to decide. */
async function stand(clone: Clone, ns: string, have: KnownTips): Promise<HeldTurn | FullLine | null> {
  try {
    const own = await askToPush(clone, ns, have);
    if (own !== null) return own;
    return heldTurn(await clone.stargate.hold(clone.remoteName, TURN.name, TURN.encode({ ns })), false);
  } catch (error) {
    if (!KvError.is(error)) throw error;
    const full = lineIsFull(error);
    if (full !== null) return full;
    if (NO_LINE.has(error.code)) return null;
    throw error;
  }
}

/** A turn whose push goes over the same connection; null where this side or the other doesn't know how. */
async function askToPush(clone: Clone, ns: string, push: KnownTips): Promise<HeldTurn | null> {
  try {
    const asked = await clone.remotes.askToPush?.(clone.remoteName, TURN.name, TURN.encode({ ns, push }));
    return asked ? heldTurn(asked, true) : null;
  } catch (error) {
    if (KvError.is(error) && error.code === 'USAGE') return null; // an older Stargate
    throw error;
  }
}

function heldTurn({ answer, release }: { readonly answer: unknown; release(): void }, ownWay: boolean): HeldTurn {
  try {
    return { ...readReport(TURN, answer), ownWay, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Whether this clone has fetched what a turn's push is to build on. */
export async function knowsTip(clone: Clone, { ns, ledger }: TurnReport): Promise<boolean> {
  const tracked = trackingRef('stargate', ledgerRef(ns));
  return ((await clone.store.refs([tracked])).get(tracked) ?? null) === ledger;
}

/** Whether a push was refused only because it is another writer's turn: what it was built on may still be the newest. */
export function isOthersTurn(error: KvError): boolean {
  return typeof error.details?.['turns'] === 'number';
}
