import type { GitStore } from '../../../../ports/git/git-store.js';
import type { MirrorUpdate } from '../../../../ports/stargate/mirror-target.js';
import type { Oid, RefName, RefUpdate } from '../../../../ports/vocabulary.js';
import { classifyRef, indexRef, ledgerRef, mirrorRef } from '../../../ledger/refs.js';
import { REASON } from '../../commit/commit-refs.js';
import { type Group, groupOf, movesOf, type Waiting } from '../queue.js';

/** One push to the mirror. */
export interface PushPlan {
  readonly updates: readonly MirrorUpdate[];
  /** The Stargate's own copies of the watermarks in it. */
  readonly watermarks: readonly RefUpdate[];
  /** Where a ref that goes by lease has been since the mirror was last known to be up to date. */
  readonly places: ReadonlyMap<RefName, ReadonlySet<Oid | null>>;
}

/**
 * What brings the mirror to where the refs of these groups are now, and the watermarks that say so. A namespace whose ledger is
 * gone here stays at the mirror as it is: no push deletes a ledger, so the mirror's is the last there is.
 */
export function planPush(store: GitStore, batch: readonly Waiting[], groups: ReadonlySet<Group>): Promise<PushPlan> {
  return planMoves(store, movesOf(batch, groups));
}

/** As `planPush`, of these moves. `upTo` them: what brings the mirror to where they have left their refs, and no further. */
export async function planMoves(store: GitStore, wanted: readonly RefUpdate[], upTo = false): Promise<PushPlan> {
  const namespaces = new Set<string>();
  for (const { ref } of wanted) {
    const found = classifyRef(ref);
    if (found.kind === 'ledger') namespaces.add(found.ns);
  }
  const marks = [...namespaces].map((ns) => mirrorRef(ns));
  const refs = await store.refs([...new Set(wanted.map(({ ref }) => ref)), ...marks]);
  const moves = wanted.filter(({ ref }) => {
    const group = groupOf(ref) as Group;
    return !namespaces.has(group) || refs.has(ledgerRef(group));
  });
  const then = new Map(moves.map(({ ref, next }) => [ref, next]));
  const nextOf = (ref: RefName): Oid | null => (upTo ? then.get(ref) : refs.get(ref)) ?? null;
  const touched = [...new Set(moves.map(({ ref }) => ref))];
  const turned = rolledOver(moves);
  const places = new Map([...turned].map(([ref]) => [ref, placesOf(ref, moves)]));
  const updates: MirrorUpdate[] = touched.map((ref) => {
    const expected = turned.get(ref);
    return expected === undefined ? { ref, next: nextOf(ref) } : { ref, next: nextOf(ref), expected };
  });
  const watermarks: RefUpdate[] = [];
  for (const ns of namespaces) {
    const next = refs.has(ledgerRef(ns)) ? nextOf(ledgerRef(ns)) : null;
    if (next === null) continue;
    const ref: RefName = mirrorRef(ns);
    const old = refs.get(ref) ?? null;
    updates.push(turned.has(ledgerRef(ns)) ? { ref, next, expected: old } : { ref, next });
    if (turned.has(ledgerRef(ns))) places.set(ref, placesOf(ledgerRef(ns), moves));
    if (old !== next) watermarks.push({ ref, old, next });
  }
  return { updates, watermarks, places };
}

const placesOf = (ref: RefName, moves: readonly RefUpdate[]): Set<Oid | null> =>
  new Set(moves.filter((one) => one.ref === ref).flatMap(({ old, next }) => [old, next]));

/**
 * The refs that a new epoch has put onto a commit that doesn't follow from the one before: the mirror takes those by lease, from
 * where the first of the moves found them, which is where the last confirmed push has left the mirror.
 */
function rolledOver(moves: readonly RefUpdate[]): Map<RefName, Oid | null> {
  const refs = new Set<RefName>();
  for (const { ref, old } of moves) {
    const found = classifyRef(ref);
    if (found.kind !== 'epoch' || old === null) continue;
    for (const moved of [ledgerRef(found.ns), indexRef(found.ns), ref]) refs.add(moved);
  }
  const first = new Map<RefName, Oid | null>();
  for (const { ref, old } of moves) if (refs.has(ref) && !first.has(ref)) first.set(ref, old);
  return first;
}

/** The Stargate's own copy of the watermarks: what it knows to be confirmed. */
export async function moveWatermarks(store: GitStore, watermarks: readonly RefUpdate[]): Promise<void> {
  if (watermarks.length > 0) await store.updateRefs(watermarks, REASON);
}
