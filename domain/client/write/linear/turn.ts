import { TURN, type TurnReport } from '../../../admin/turn.js';
import { readReport } from '../../../admin/verb.js';
import { ledgerRef, trackingRef } from '../../../ledger/refs.js';
import { KvError } from '../../../../ports/error.js';
import type { Clone } from '../../clone/clone.js';

/** A turn to push, which is over with the push, after its time, or when it is given back. */
export interface HeldTurn extends TurnReport {
  release(): void;
}

/** What a Stargate answers that has no line, or whose line was broken: then luck decides, as without one. */
const NO_LINE: ReadonlySet<string> = new Set(['USAGE', 'NOT_SUPPORTED', 'IO_ERROR', 'BUSY', 'INTERRUPTED']);

/** Stands in line at the Stargate until this clone may push to a namespace before all others; null where there is no line. */
export async function takeTurn(clone: Clone, ns: string): Promise<HeldTurn | null> {
  try {
    const held = await clone.stargate.hold(clone.remoteName, TURN.name, TURN.encode({ ns }));
    try {
      return { ...readReport(TURN, held.answer), release: () => held.release() };
    } catch (error) {
      held.release();
      throw error;
    }
  } catch (error) {
    if (KvError.is(error) && NO_LINE.has(error.code)) return null;
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
