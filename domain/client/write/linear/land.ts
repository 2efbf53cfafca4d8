import { KvError } from '../../../../ports/error.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { Oid, RefName, RefUpdate } from '../../../../ports/vocabulary.js';
import { epochRef, ledgerRef, strandedRef, trackingRef } from '../../../ledger/refs.js';
import type { Clone } from '../../clone/clone.js';
import { pushForCertain } from './certain-push.js';
import { notSetUp } from '../../remote/no-remote.js';
import { readLedgerCommits } from '../../clone/tips.js';

/** Where writes of this clone go: to the Stargate, or, in a repository without a remote, no further than the clone. */
export type Target = 'stargate' | 'clone';

/** Throws `CONFIG_INVALID` when there is a remote, but no Stargate behind its push URL. */
export async function whereTo(clone: Clone): Promise<Target> {
  if ((await clone.remotes.url(clone.remoteName, 'write')) !== null) return 'stargate';
  if ((await clone.remotes.url(clone.remoteName, 'read')) !== null) throw notSetUp(clone.remoteName);
  return 'clone';
}

/** What is known of a push. */
interface Landing {
  readonly objects?: readonly NewObject[];
  readonly turn?: string | undefined;
  readonly impatient?: boolean;
  readonly behind?: ReadonlySet<Oid> | undefined;
}

/**
 * Moves refs, all or none: at the Stargate, and then here. `objects` are all that the moves bring, where they are at hand; `turn` is
 * one that the Stargate has granted; `impatient` pushes don't wait for room; `behind` are ledger commits that are known to be behind the new one.
 * Gives a warning, or null.
 * Throws `CAS_CONFLICT` when one had moved, or what the Stargate says.
 */
export async function land(
  clone: Clone,
  ns: string,
  updates: readonly RefUpdate[],
  target: Target,
  { objects, turn, impatient, behind }: Landing = {},
): Promise<string | null> {
  if (target === 'clone') {
    await clone.store.updateRefs(updates, `kv: ${ns}`);
    return null;
  }
  const all = await forTheStargate(clone, ns, updates);
  // A new epoch begins with commits that have no parents, and with the data of the one before.
  const restarts = updates.some(({ ref, old }) => ref === epochRef(ns) && old !== null);
  const atHand = objects === undefined || all !== updates ? {} : { objects };
  await pushForCertain(clone, ns, all, { atomic: true, restarts, turn, impatient, ...atHand, onProgress: clone.onProgress });
  return remember(clone, ns, all, behind);
}

/**
 * The moves as the Stargate is to make them. What neither side has shown to this clone was begun in it and is not there yet: the first
 * push creates every ref, brings the ledger whole, and its epoch ref.
 */
async function forTheStargate(clone: Clone, ns: string, updates: readonly RefUpdate[]): Promise<readonly RefUpdate[]> {
  const local = epochRef(ns);
  if (updates.some(({ ref }) => ref === local)) return updates;
  const shown = (['mirror', 'stargate'] as const).map((source) => trackingRef(source, ledgerRef(ns)));
  const refs = await clone.store.refs([local, ...shown]);
  const begun = refs.get(local);
  if (begun === undefined || shown.some((ref) => refs.has(ref))) return updates;
  return [...updates.map(({ ref, next }) => ({ ref, old: null, next })), { ref: local, old: null, next: begun }];
}

/** More than a clone's commands at the same moment ever need. */
const MAX_TRIES = 20;
const PAUSE_MS = 5;

const NOT_FOLLOWED =
  "it has landed, but something holds this clone's own refs, which don't show it yet: they will follow with the next read or write, once it lets go of them";

/**
 * Keeps what landed, as this clone's own tips and as the Stargate's, so that the next write and read build on it. A ledger of this
 * clone's own that the Stargate's doesn't go on from makes room, and stays in a ref of its own; gives the warning that says so.
 */
async function remember(
  clone: Clone,
  ns: string,
  updates: readonly RefUpdate[],
  behind: ReadonlySet<Oid> = new Set(),
): Promise<string | null> {
  for (let tries = 1; ; tries++) {
    const { moves, stranded } = await movesHere(clone, ns, updates, behind);
    try {
      await clone.store.updateRefs(moves, `kv: pushed to ${ns}`);
    } catch (error) {
      if (!KvError.is(error) || error.code !== 'CAS_CONFLICT') throw error;
      // Another command in this clone moves them at the same moment; should that never end, the write has landed all the same.
      if (tries === MAX_TRIES) return NOT_FOLLOWED;
      await clone.clock.sleep(PAUSE_MS * tries);
      continue;
    }
    if (!stranded) return null;
    return `this clone had a ledger of its own, begun before it knew the Stargate's: it is kept in ${strandedRef(ns)}, and its keys are not in ${ns}`;
  }
}

/** How this clone's refs follow those that landed. */
async function movesHere(
  clone: Clone,
  ns: string,
  updates: readonly RefUpdate[],
  behind: ReadonlySet<Oid>,
): Promise<{ readonly moves: RefUpdate[]; readonly stranded: boolean }> {
  const own = ledgerRef(ns);
  const sides = [(ref: RefName) => ref, (ref: RefName) => trackingRef('stargate', ref)];
  const names = sides.flatMap((side) => updates.map(({ ref }) => side(ref)));
  const refs = await clone.store.refs([...names, own, strandedRef(ns)]);
  const moves: RefUpdate[] = [];
  for (const side of sides) {
    const here = updates.map((update) => ({ update, ref: side(update.ref), old: refs.get(side(update.ref)) ?? null }));
    const ledger = here.find(({ update }) => update.ref === own);
    if (ledger !== undefined && (await isNextEpoch(clone, ledger.old, ledger.update))) continue;
    // Only with its ledger can a side have gone on: a commit's history is looked at once, and not for every ref.
    const isBehind = ledger?.old != null && behind.has(ledger.old);
    const further = ledger !== undefined && !isBehind && (await isFurther(clone, ledger.old, ledger.update));
    for (const { update, ref, old } of here) {
      if (!further || !(await isFurther(clone, old, update))) moves.push({ ref, old, next: update.next });
    }
  }
  const [local, landed] = [refs.get(own), updates.find(({ ref }) => ref === own)];
  const replaced = local !== undefined && local !== landed?.old && moves.some(({ ref }) => ref === own);
  const stranded = replaced && !behind.has(local) && landed !== undefined && (await isStranded(clone, local, landed));
  if (stranded) moves.push({ ref: strandedRef(ns), old: refs.get(strandedRef(ns)) ?? null, next: local });
  return { moves, stranded };
}

/** Whether a ref of this clone has what landed behind it: another command has fetched it, or gone on from it. */
async function isFurther(clone: Clone, here: Oid | null, { old, next }: RefUpdate): Promise<boolean> {
  return here !== null && here !== old && next !== null && clone.store.isAncestor(next, here);
}

/** Whether a ledger of this clone is already in the epoch after that of what landed, from which it follows by no history. */
async function isNextEpoch(clone: Clone, here: Oid | null, { old, next }: RefUpdate): Promise<boolean> {
  if (here === null || here === old || next === null) return false;
  const [mine, landed] = await readLedgerCommits(clone, [here, next]);
  return mine !== undefined && landed !== undefined && mine.trailers.parentEpoch === landed.trailers.epoch;
}

/** Whether a local ledger is another one than that which a push has gone on from. */
async function isStranded(clone: Clone, local: Oid, landed: RefUpdate): Promise<boolean> {
  if (landed.next === null || (await clone.store.isAncestor(local, landed.next))) return false;
  const [mine, theirs] = await readLedgerCommits(clone, [local, landed.next]);
  return mine !== undefined && theirs !== undefined && mine.trailers.epoch === theirs.trailers.epoch;
}
