import { KvError } from '../../../../ports/error.js';
import type { GitStore } from '../../../../ports/git/git-store.js';
import type { MirrorTarget, MirrorUpdate } from '../../../../ports/stargate/mirror-target.js';
import type { RefName } from '../../../../ports/vocabulary.js';
import { type Refusal, refusalAfter, type RetryContext } from '../retry-delay.js';

/** A refused branch is sent whole with each try, however large it is. ms */
const LONGEST_PAUSE_MS = 600_000;

/** Branches and tags on their way to the mirror. Those that it refuses wait here, without holding anything else up. */
export class OrdinaryRefs {
  /** With why the mirror does not take it, where it was refused since it moved. */
  private readonly pending = new Map<RefName, Refusal | null>();
  /** Those that have moved since the push at hand was put together: what becomes of that says nothing of them. */
  private readonly moved = new Set<RefName>();

  constructor(
    private readonly store: GitStore,
    private readonly target: MirrorTarget,
    private readonly retry: RetryContext,
  ) {}

  get waiting(): number {
    return this.pending.size;
  }

  /** The branches and tags that the mirror does not take. */
  get refusals(): ReadonlyMap<RefName, Refusal> {
    const refused = new Map<RefName, Refusal>();
    for (const [ref, refusal] of this.pending) if (refusal !== null) refused.set(ref, refusal);
    return refused;
  }

  /** Takes refs that have moved: they are pushed at once, even where the mirror refused them before. */
  note(refs: readonly RefName[]): void {
    for (const ref of refs) {
      this.pending.set(ref, null);
      this.moved.add(ref);
    }
  }

  /** Takes refs that the mirror lacks: they are pushed, unless they wait already. */
  noteMissing(refs: readonly RefName[]): void {
    this.note(refs.filter((ref) => !this.pending.has(ref)));
  }

  /**
   * Pushes what may be pushed now: deletions first, since `a` must be gone before `a/b` can come; what was refused before by
   * itself, the others together, and one by one when that is refused. Gives what was refused in this round.
   * Throws when the host is away.
   */
  async push(signal: AbortSignal): Promise<Refusal[]> {
    const now = this.retry.clock.now();
    const due = [...this.pending].filter(([, refusal]) => refusal === null || refusal.sameUntil <= now).map(([ref]) => ref);
    if (due.length === 0) return [];
    for (const ref of due) this.moved.delete(ref);
    const refs = await this.store.refs(due);
    const updates = due.map((ref) => ({ ref, next: refs.get(ref) ?? null }));
    const refused: Refusal[] = [];
    for (const some of [updates.filter(({ next }) => next === null), updates.filter(({ next }) => next !== null)]) {
      const fresh = some.filter(({ ref }) => this.pending.get(ref) === null);
      const again = some.filter(({ ref }) => this.pending.get(ref) !== null);
      for (const group of [...inGroups(fresh), ...again.map((one) => [one])]) await this.pushGroup(group, refused, signal);
    }
    return refused;
  }

  private async pushGroup(updates: readonly MirrorUpdate[], refused: Refusal[], signal: AbortSignal): Promise<void> {
    const error = await this.tryPush(updates, signal);
    const [first] = updates;
    if (error === null || first === undefined) return;
    if (updates.length > 1) {
      for (const update of updates) await this.pushGroup([update], refused, signal);
      return;
    }
    const refusal = refusalAfter(this.pending.get(first.ref) ?? null, error, this.retry, LONGEST_PAUSE_MS);
    if (!this.moved.has(first.ref)) this.pending.set(first.ref, refusal);
    refused.push(refusal);
  }

  /**
   * Gives the refusal; throws what says nothing about a ref. A connection that broke off does, where the host answers otherwise: a
   * proxy that cuts off what takes too long says no more than that.
   */
  private async tryPush(updates: readonly MirrorUpdate[], signal: AbortSignal): Promise<KvError | null> {
    try {
      await this.target.push(updates, signal);
      for (const { ref } of updates) if (!this.moved.has(ref)) this.pending.delete(ref);
      return null;
    } catch (error) {
      if (!KvError.is(error) || error.code === 'INTERRUPTED') throw error;
      if (error.code !== 'IO_ERROR') return error;
      if (error.details?.['retryAfterMs'] !== undefined || signal.aborted) throw error;
      await this.target.refs([updates[0]?.ref ?? ''], signal);
      return error;
    }
  }
}

/** A command line has room for so many refs. */
const GROUP = 200;

function* inGroups(updates: readonly MirrorUpdate[]): Generator<MirrorUpdate[]> {
  for (let at = 0; at < updates.length; at += GROUP) yield updates.slice(at, at + GROUP);
}
