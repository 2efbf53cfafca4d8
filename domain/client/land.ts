import { KvError } from '../../ports/error.js';
import type { Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import { epochRef, ledgerRef, trackingRef } from '../refs.js';
import type { Clone } from './clone.js';
import { notSetUp, readLedgerCommits } from './tips.js';

/** Where writes of this clone go: to the Stargate, or, in a repository without a remote, no further than the clone. */
export type Target = 'stargate' | 'clone';

/** Throws `CONFIG_INVALID` when there is a remote, but no Stargate behind its push URL. */
export async function whereTo(clone: Clone): Promise<Target> {
  if ((await clone.transport.url(clone.remote, 'write')) !== null) return 'stargate';
  if ((await clone.transport.url(clone.remote, 'read')) !== null) throw notSetUp(clone.remote);
  return 'clone';
}

/**
 * Moves refs, all or none: at the Stargate, and then here. Gives a warning, or null.
 * Throws `CAS_CONFLICT` when one had moved, or what the Stargate says.
 */
export async function land(clone: Clone, ns: string, updates: readonly RefUpdate[], target: Target): Promise<string | null> {
  if (target === 'clone') {
    await clone.store.updateRefs(updates, `kv: ${ns}`);
    return null;
  }
  const all = [...updates, ...(await unpublishedEpoch(clone, ns, updates))];
  await clone.transport.push(clone.remote, all, { atomic: true, progress: clone.progress });
  return remember(clone, ns, all);
}

/** A ledger that was begun in this clone, before it knew of a Stargate, brings its epoch ref with its first push. */
async function unpublishedEpoch(clone: Clone, ns: string, updates: readonly RefUpdate[]): Promise<RefUpdate[]> {
  const local = epochRef(ns);
  if (updates.some(({ ref }) => ref === local)) return [];
  const published = (['mirror', 'stargate'] as const).map((source) => trackingRef(source, ledgerRef(ns)));
  const refs = await clone.store.refs([local, ...published]);
  const begun = refs.get(local);
  return begun === undefined || published.some((ref) => refs.has(ref)) ? [] : [{ ref: local, old: null, next: begun }];
}

/** Where a ledger is kept that was written in this clone before it had a Stargate, and that the Stargate's doesn't go on from. */
const strandedRef = (ns: string): RefName => `refs/kv-local/${ns}`;

/**
 * Keeps what landed, as this clone's own tips and as the Stargate's, so that the next write and read build on it. A ledger of this
 * clone's own that the Stargate's doesn't go on from makes room, and stays in a ref of its own; gives the warning that says so.
 */
async function remember(clone: Clone, ns: string, updates: readonly RefUpdate[]): Promise<string | null> {
  const names = updates.flatMap(({ ref, next }) => [
    { ref, next },
    { ref: trackingRef('stargate', ref), next },
  ]);
  const own = ledgerRef(ns);
  const refs = await clone.store.refs([...names.map(({ ref }) => ref), own, strandedRef(ns)]);
  const moves = names.map(({ ref, next }) => ({ ref, old: refs.get(ref) ?? null, next }));
  const [local, landed] = [refs.get(own), updates.find(({ ref }) => ref === own)];
  const stranded =
    local !== undefined && landed !== undefined && local !== landed.old && (await isStranded(clone, local, landed));
  if (stranded) moves.push({ ref: strandedRef(ns), old: refs.get(strandedRef(ns)) ?? null, next: local });
  try {
    await clone.store.updateRefs(moves, `kv: pushed to ${ns}`);
  } catch (error) {
    // Another command in this clone has moved them at the same moment: the write has landed all the same.
    if (!KvError.is(error) || error.code !== 'CAS_CONFLICT') throw error;
    return null;
  }
  if (!stranded) return null;
  return `this clone had a ledger of its own, begun before it knew the Stargate's: it is kept in ${strandedRef(ns)}, and its keys are not in ${ns}`;
}

/** Whether a local ledger is another one than that which a push has gone on from. */
async function isStranded(clone: Clone, local: Oid, landed: RefUpdate): Promise<boolean> {
  if (landed.next === null || (await clone.store.isAncestor(local, landed.next))) return false;
  const [mine, theirs] = await readLedgerCommits(clone, [local, landed.next]);
  return mine !== undefined && theirs !== undefined && mine.trailers.epoch === theirs.trailers.epoch;
}
