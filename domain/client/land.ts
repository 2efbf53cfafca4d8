import { KvError } from '../../ports/error.js';
import type { RefUpdate } from '../../ports/vocabulary.js';
import { epochRef, ledgerRef, trackingRef } from '../refs.js';
import type { Clone } from './clone.js';
import { notSetUp } from './tips.js';

/** Where writes of this clone go: to the Stargate, or, in a repository without a remote, no further than the clone. */
export type Target = 'stargate' | 'clone';

/** Throws `CONFIG_INVALID` when there is a remote, but no Stargate behind its push URL. */
export async function whereTo(clone: Clone): Promise<Target> {
  if ((await clone.transport.url(clone.remote, 'write')) !== null) return 'stargate';
  if ((await clone.transport.url(clone.remote, 'read')) !== null) throw notSetUp(clone.remote);
  return 'clone';
}

/** Moves refs, all or none: at the Stargate, and then here. Throws `CAS_CONFLICT` when one had moved, or what the Stargate says. */
export async function land(clone: Clone, ns: string, updates: readonly RefUpdate[], target: Target): Promise<void> {
  if (target === 'clone') return clone.store.updateRefs(updates, `kv: ${ns}`);
  const all = [...updates, ...(await unpublishedEpoch(clone, ns, updates))];
  await clone.transport.push(clone.remote, all, { atomic: true, progress: clone.progress });
  await remember(clone, ns, all);
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

/** Keeps what landed, as this clone's own tips and as the Stargate's, so that the next write and read build on it. */
async function remember(clone: Clone, ns: string, updates: readonly RefUpdate[]): Promise<void> {
  const names = updates.flatMap(({ ref, next }) => [
    { ref, next },
    { ref: trackingRef('stargate', ref), next },
  ]);
  const refs = await clone.store.refs(names.map(({ ref }) => ref));
  const moves = names.map(({ ref, next }) => ({ ref, old: refs.get(ref) ?? null, next }));
  try {
    await clone.store.updateRefs(moves, `kv: pushed to ${ns}`);
  } catch (error) {
    // Another command in this clone has moved them at the same moment: the write has landed all the same.
    if (!KvError.is(error) || error.code !== 'CAS_CONFLICT') throw error;
  }
}
