import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { IntentRecord } from '../../ports/journal.js';
import type { MirrorTarget, MirrorUpdate } from '../../ports/mirror-target.js';
import type { Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import { classifyRef, indexRef, ledgerRef, mirrorRef } from '../refs.js';
import { REASON } from './commit-refs.js';

const isOrdinary = (ref: RefName): boolean => {
  const { kind } = classifyRef(ref);
  return kind === 'branch' || kind === 'tag';
};

const refsOf = (batch: readonly IntentRecord[]): RefName[] => [
  ...new Set(batch.flatMap(({ updates }) => updates.map(({ ref }) => ref))),
];

/** The branches and tags that these intents moved. */
export function ordinaryRefs(batch: readonly IntentRecord[]): RefName[] {
  return refsOf(batch).filter(isOrdinary);
}

/** Branches and tags on their way to the mirror. Those that it refuses wait here, without holding anything else up. */
export class OrdinaryRefs {
  private readonly pending = new Set<RefName>();

  constructor(
    private readonly store: GitStore,
    private readonly target: MirrorTarget,
  ) {}

  get waiting(): number {
    return this.pending.size;
  }

  note(refs: readonly RefName[]): void {
    for (const ref of refs) this.pending.add(ref);
  }

  /**
   * Pushes them: deletions first, since `a` must be gone before `a/b` can come; each group together, and one by one when that is
   * refused. Gives the error of those that are left; throws when the host is away.
   */
  async push(signal: AbortSignal): Promise<KvError | null> {
    if (this.pending.size === 0) return null;
    const refs = await this.store.refs([...this.pending]);
    const updates = [...this.pending].map((ref) => ({ ref, next: refs.get(ref) ?? null }));
    const groups = [
      ...inGroups(updates.filter(({ next }) => next === null)),
      ...inGroups(updates.filter(({ next }) => next !== null)),
    ];
    let refused: KvError | null = null;
    for (const group of groups) {
      if ((await this.tryPush(group, signal)) === null) continue;
      for (const update of group) refused = (await this.tryPush([update], signal)) ?? refused;
    }
    return refused;
  }

  private async tryPush(updates: readonly MirrorUpdate[], signal: AbortSignal): Promise<KvError | null> {
    try {
      await this.target.push(updates, signal);
      for (const { ref } of updates) this.pending.delete(ref);
      return null;
    } catch (error) {
      if (KvError.is(error) && error.code !== 'IO_ERROR' && error.code !== 'INTERRUPTED') return error;
      throw error;
    }
  }
}

/** A command line has room for so many refs. */
const GROUP = 200;

function* inGroups(updates: readonly MirrorUpdate[]): Generator<MirrorUpdate[]> {
  for (let at = 0; at < updates.length; at += GROUP) yield updates.slice(at, at + GROUP);
}

/** What brings the mirror to where the refs of these intents are now, and the watermarks that say so. */
export async function planPush(
  store: GitStore,
  batch: readonly IntentRecord[],
): Promise<{ updates: MirrorUpdate[]; watermarks: RefUpdate[] }> {
  const touched = refsOf(batch).filter((ref) => !isOrdinary(ref));
  const namespaces = new Set<string>();
  for (const ref of touched) {
    const found = classifyRef(ref);
    if (found.kind === 'ledger') namespaces.add(found.ns);
  }
  const marks = [...namespaces].map((ns) => mirrorRef(ns));
  const refs = await store.refs([...touched, ...marks]);
  const turned = rolledOver(batch);
  const updates: MirrorUpdate[] = touched.map((ref) => {
    const next = refs.get(ref) ?? null;
    const expected = turned.get(ref);
    return expected === undefined ? { ref, next } : { ref, next, expected };
  });
  const watermarks: RefUpdate[] = [];
  for (const ns of namespaces) {
    const next = refs.get(ledgerRef(ns)) as Oid;
    const ref: RefName = mirrorRef(ns);
    const old = refs.get(ref) ?? null;
    updates.push(turned.has(ledgerRef(ns)) ? { ref, next, expected: old } : { ref, next });
    if (old !== next) watermarks.push({ ref, old, next });
  }
  return { updates, watermarks };
}

/**
 * The refs that a new epoch has put onto a commit that doesn't follow from the one before: the mirror takes those by lease, from
 * where the batch's first intent found them, which is where the last confirmed push has left the mirror.
 */
function rolledOver(batch: readonly IntentRecord[]): Map<RefName, Oid | null> {
  const refs = new Set<RefName>();
  for (const { updates } of batch) {
    for (const { ref, old } of updates) {
      const found = classifyRef(ref);
      if (found.kind !== 'epoch' || old === null) continue;
      for (const moved of [ledgerRef(found.ns), indexRef(found.ns), ref]) refs.add(moved);
    }
  }
  const first = new Map<RefName, Oid | null>();
  for (const { updates } of batch) for (const { ref, old } of updates) if (refs.has(ref) && !first.has(ref)) first.set(ref, old);
  return first;
}

/** The Stargate's own copy of the watermarks: what it knows to be confirmed. */
export async function moveWatermarks(store: GitStore, watermarks: readonly RefUpdate[]): Promise<void> {
  if (watermarks.length > 0) await store.updateRefs(watermarks, REASON);
}
