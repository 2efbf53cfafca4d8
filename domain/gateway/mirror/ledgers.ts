import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { MirrorTarget, MirrorUpdate } from '../../../ports/mirror-target.js';
import { moveWatermarks, planPush, type PushPlan } from './plan.js';
import { type Group, groupOf, type Waiting } from './queue.js';
import { type Refusal, refusalAfter, type RetryContext } from './retry-delay.js';

/**
 * The refs of the namespaces on their way to the mirror: in one push while it takes them. When it refuses, each refused namespace
 * goes by itself from then on, and holds nothing else up.
 */
export class LedgerRefs {
  private readonly refused = new Map<Group, Refusal>();
  /** The newest intent of a refused group that was sent. */
  private readonly sent = new Map<Group, string | undefined>();

  constructor(
    private readonly store: GitStore,
    private readonly target: MirrorTarget,
    private readonly retry: RetryContext,
  ) {}

  /** The groups that the mirror does not take. */
  get refusals(): ReadonlyMap<Group, Refusal> {
    return this.refused;
  }

  /** Milliseconds until something of these may be pushed; infinite where there is nothing. */
  dueIn(batch: readonly Waiting[]): number {
    const now = this.retry.clock.now();
    const waits = [...newestOf(batch)].map(([group, intent]) => Math.max(0, this.dueAt(group, intent) - now));
    return waits.reduce((least, wait) => Math.min(least, wait), Number.POSITIVE_INFINITY);
  }

  /**
   * Pushes what may be pushed now. Gives the groups that have landed, and what was refused in this round.
   * Throws when the host is away.
   */
  async push(batch: readonly Waiting[], signal: AbortSignal): Promise<{ landed: Set<Group>; refused: Refusal[] }> {
    const now = this.retry.clock.now();
    const newest = newestOf(batch);
    const groups = [...newest].filter(([group, intent]) => this.dueAt(group, intent) <= now).map(([group]) => group);
    const landed = new Set<Group>();
    const before = new Set(this.refused.values());
    await this.pushTogether(
      batch,
      groups.filter((group) => !this.refused.has(group)),
      landed,
      signal,
    );
    for (const group of groups) {
      if (!landed.has(group) && before.has(this.refused.get(group) as Refusal))
        await this.pushTogether(batch, [group], landed, signal);
    }
    for (const group of groups) this.sent.set(group, newest.get(group));
    return { landed, refused: [...this.refused.values()].filter((one) => !before.has(one)) };
  }

  /** Splits what is refused: first the groups that the host didn't name, then the others one by one. */
  private async pushTogether(
    batch: readonly Waiting[],
    groups: readonly Group[],
    landed: Set<Group>,
    signal: AbortSignal,
  ): Promise<void> {
    const [first] = groups;
    if (first === undefined) return;
    const error = await this.tryPush(batch, groups, signal);
    if (error === null) {
      for (const group of groups) {
        this.refused.delete(group);
        landed.add(group);
      }
      return;
    }
    if (groups.length === 1) return this.hold(first, error);
    const named = groupsIn(error);
    const others = groups.filter((group) => !named.has(group));
    const together = others.length < groups.length ? others : [];
    await this.pushTogether(batch, together, landed, signal);
    for (const group of groups) if (!together.includes(group)) await this.pushTogether(batch, [group], landed, signal);
  }

  /** Gives the refusal; throws what says nothing about a ref. */
  private async tryPush(batch: readonly Waiting[], groups: readonly Group[], signal: AbortSignal): Promise<KvError | null> {
    const plan = await planPush(this.store, batch, new Set(groups));
    try {
      if (plan.updates.length > 0) await this.pushPlan(plan, signal);
    } catch (error) {
      if (KvError.is(error) && (error.code === 'SYNC_REFUSED' || error.code === 'GIT_ERROR')) return error;
      throw error;
    }
    await moveWatermarks(this.store, plan.watermarks);
    return null;
  }

  /**
   * A lease is stale when a push had landed whose answer was lost, or that the journal doesn't know of. Then the mirror is asked:
   * where it stands at a place that the ref has been at since, or has lost it, it goes on from there.
   */
  private async pushPlan({ updates, places }: PushPlan, signal: AbortSignal): Promise<void> {
    try {
      await this.target.push(updates, signal);
    } catch (error) {
      if (places.size === 0 || !KvError.is(error) || error.code !== 'SYNC_REFUSED') throw error;
      const there = await this.target.refs(updates.map(({ ref }) => ref));
      const left: MirrorUpdate[] = [];
      let moved = false;
      for (const update of updates) {
        const at = there.get(update.ref) ?? null;
        const known = places.get(update.ref);
        if (known !== undefined && at !== update.next && at !== update.expected) {
          if (at !== null && !known.has(at)) throw error; // where it is lost, nothing can be overwritten
          moved = true;
        }
        if (at !== update.next) left.push(known === undefined ? update : { ...update, expected: at });
      }
      if (left.length === 0) return;
      if (!moved && left.length === updates.length) throw error; // nothing has landed: it would be refused again
      await this.target.push(left, signal);
    }
  }

  /** When a group may be tried: what was refused for what it is waits until there is more of it, or for long. */
  private dueAt(group: Group, newest: string): number {
    const refusal = this.refused.get(group);
    if (refusal === undefined) return Number.NEGATIVE_INFINITY;
    return this.sent.get(group) === newest ? refusal.sameUntil : refusal.nextTry;
  }

  private hold(group: Group, error: KvError): void {
    this.refused.set(group, refusalAfter(this.refused.get(group) ?? null, error, this.retry));
  }
}

/** The groups that wait, each with the newest intent of it. */
const newestOf = (batch: readonly Waiting[]): Map<Group, string> =>
  new Map(batch.flatMap(({ intent, groups }) => [...groups].map((group) => [group, intent.id] as const)));

/** The groups of the refs that a refusal names. */
function groupsIn({ details }: KvError): Set<Group> {
  const refs = details?.['refs'];
  if (!Array.isArray(refs)) return new Set();
  const named = refs.filter((ref) => typeof ref === 'string').map((ref) => groupOf(ref));
  return new Set(named.filter((group) => group !== null));
}
