import type { IntentRecord } from '../../../ports/stargate/journal.js';
import type { RefName, RefUpdate } from '../../../ports/vocabulary.js';
import { classifyRef } from '../../ledger/refs.js';

/** What goes to the mirror together or not at all: a namespace's refs, by its name; refs of no namespace by the empty text. */
export type Group = string;

/** The group that a ref goes with; null for a branch or a tag, which goes by itself. */
export function groupOf(ref: RefName): Group | null {
  const found = classifyRef(ref);
  if (found.kind === 'branch' || found.kind === 'tag') return null;
  return 'ns' in found ? found.ns : '';
}

/** An accepted intent, and the groups of it that the mirror doesn't show yet. */
export interface Waiting {
  readonly intent: IntentRecord;
  readonly groups: Set<Group>;
  /** It moves branches and tags alone, and no push of these was tried since. */
  branchesUntried: boolean;
}

/** The moves of these intents that the mirror doesn't show yet, of these groups, oldest first. */
export function movesOf(batch: readonly Waiting[], wanted: ReadonlySet<Group>): RefUpdate[] {
  return batch.flatMap(({ intent, groups }) =>
    intent.updates.filter(({ ref }) => {
      const group = groupOf(ref);
      return group !== null && groups.has(group) && wanted.has(group);
    }),
  );
}

/** What the mirror doesn't show yet, in the order in which it was accepted. */
export class MirrorQueue {
  /** By the intent's id; a map keeps the order. */
  private readonly waiting = new Map<string, Waiting>();
  private newest: string | null = null;
  private branches: RefName[] = [];

  get size(): number {
    return this.waiting.size;
  }

  get all(): readonly Waiting[] {
    return [...this.waiting.values()];
  }

  has(id: string): boolean {
    return this.waiting.has(id);
  }

  /** Takes intents, and leaves out what waits already. Gives how many were new. */
  add(intents: readonly IntentRecord[]): number {
    const fresh = intents.filter(({ id }) => !this.waiting.has(id));
    for (const intent of fresh) {
      const refs = intent.updates.map(({ ref }) => ref);
      const groups = new Set(refs.map(groupOf).filter((group) => group !== null));
      this.waiting.set(intent.id, { intent, groups, branchesUntried: groups.size === 0 });
      this.branches.push(...refs.filter((ref) => groupOf(ref) === null));
      this.newest = intent.id;
    }
    return fresh.length;
  }

  /** The branches and tags that intents have moved since this was last asked. */
  takeBranches(): RefName[] {
    return this.branches.splice(0);
  }

  /**
   * Groups of these intents have landed. Gives the intents that are done by that, and the one up to which all are; null when an older
   * one still waits. An intent that is done before an older one is forgotten here: it may be pushed again after a restart.
   */
  settle(batch: readonly Waiting[], landed: ReadonlySet<Group>): { done: IntentRecord[]; upTo: string | null } {
    for (const { groups } of batch) for (const group of landed) groups.delete(group);
    const done = batch.filter(({ groups, branchesUntried }) => groups.size === 0 && !branchesUntried).map(({ intent }) => intent);
    if (done.length === 0) return { done, upTo: null };
    const finished = new Set(done);
    let upTo: string | null = null;
    for (const { intent } of this.waiting.values()) {
      if (!finished.has(intent)) break;
      upTo = intent.id;
    }
    for (const { id } of done) this.waiting.delete(id);
    return { done, upTo: this.waiting.size === 0 ? this.newest : upTo };
  }
}
