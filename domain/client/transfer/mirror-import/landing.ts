import { KvError } from '../../../../ports/error.js';
import type { MirroredMove } from '../../../../ports/grammar/mirror-manifest.js';
import type { Oid, RefName, RefUpdate } from '../../../../ports/vocabulary.js';
import { classifyRef, trackingRef } from '../../../ledger/refs.js';
import type { Clone } from '../../clone/clone.js';

/**
 * Where a ref of the mirror stands in a repository: under the name that a fetch would give it in a clone, under its own in a bare one, from
 * which others clone. Null for what is no ref of a mirror's readers, such as that with which a Stargate tries what a mirror takes.
 */
export function landingRef(ref: RefName, { bare, remote }: { readonly bare: boolean; readonly remote: string }): RefName | null {
  const { kind } = classifyRef(ref);
  if (kind === 'other') return null;
  if (bare || kind === 'tag') return ref;
  return kind === 'branch' ? ref.replace(/^refs\/heads\//, `refs/remotes/${remote}/`) : trackingRef('mirror', ref);
}

/**
 * The moves of a link as this repository is to make them. What stands further already, as after a fetch, is left. `anew`: the link
 * begins another chain, and may take nothing back. Throws `SYNC_REFUSED` for a ref that stands where no link has put it.
 */
export async function landingMoves(clone: Clone, moves: readonly MirroredMove[], anew: boolean): Promise<RefUpdate[]> {
  const place = { bare: clone.config.get('core.bare') === 'true', remote: clone.remoteName };
  const landing = moves.flatMap((move) => {
    const ref = landingRef(move.ref, place);
    return ref === null ? [] : [{ ...move, ref }];
  });
  const here = await clone.store.refs(landing.map(({ ref }) => ref));
  const tips = landing.flatMap(({ next }) => next ?? []);
  const updates: RefUpdate[] = [];
  for (const { ref, old, next } of landing) {
    const at = here.get(ref) ?? null;
    if (at === next) continue;
    if (at !== null && next !== null && (await clone.store.isAncestor(next, at))) continue;
    const follows = at === null || (!anew && at === old) || (next !== null && (await clone.store.isAncestor(at, next)));
    if (!follows && !(anew && (await isKept(clone, at as Oid, tips)))) throw elsewhere(ref, at as Oid, next);
    updates.push({ ref, old: at, next });
  }
  return updates;
}

/** Whether something else that the link brings has a commit behind it, as the archive of an epoch has its last tips. */
async function isKept({ store }: Clone, at: Oid, tips: readonly Oid[]): Promise<boolean> {
  for (const tip of tips) if (await store.isAncestor(at, tip)) return true;
  return false;
}

const elsewhere = (ref: RefName, at: Oid, next: Oid | null): KvError =>
  new KvError('SYNC_REFUSED', `${ref} is at ${at} here, from which ${next ?? 'nothing'} does not follow`, {
    hint: 'something other than these links has moved it: import into a clone of its own',
    details: { ref },
  });
