import { KvError, toKvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { MirrorTarget, MirrorUpdate } from '../../../ports/stargate/mirror-target.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { KV_FAMILIES, ledgerRef, mirrorRef, POLICY_REF } from '../../ledger/refs.js';
import { moveWatermarks } from './ledgers/plan.js';
import { type Group, groupOf } from './queue.js';
import { type Refusal, refusalAfter, type RetryContext } from './retry-delay.js';
import { shownRefs } from './shown-refs.js';

/** How often the mirror's refs are compared with those here, ms: one listing, by which somebody else's push there is noticed. */
export const COMPARE_EVERY_MS = 300_000;
/** When what is being pushed just now is looked at again, ms. */
const AGAIN_MS = 10_000;
/** A command line has room for so many refs. */
const SLICE = 500;
const FOLDERS = [...KV_FAMILIES.map((family) => `refs/${family}/`), 'refs/heads/', 'refs/tags/'];
const HERE = [...FOLDERS, POLICY_REF];
const THERE = [...FOLDERS.map((folder) => `${folder}*`), POLICY_REF];

/** What a namespace lacks at the mirror, and what somebody else has put there. */
interface Gap {
  readonly updates: MirrorUpdate[];
  readonly diverged: RefName[];
}

interface Restored {
  /** How many refs of namespaces the mirror shows again. */
  readonly refs: number;
  /** Branches and tags that it lacks. */
  readonly branches: readonly RefName[];
  readonly refused: readonly Refusal[];
  /** The mirror's refs, as they were listed. */
  readonly there: ReadonlyMap<RefName, Oid>;
}

/** Brings back what the mirror has lost: refs that no transaction touches, which the journal says were pushed long ago. */
export class LostRefs {
  private due = Number.NEGATIVE_INFINITY;
  private held = new Map<Group, Refusal>();
  private failed: Refusal | null = null;
  private lacking = 0;

  constructor(
    private readonly store: GitStore,
    private readonly target: MirrorTarget,
    private readonly retry: RetryContext,
  ) {}

  /** Milliseconds until the next comparison; 0 when it is due. */
  get dueIn(): number {
    return Math.max(0, this.due - this.retry.clock.now());
  }

  /** The groups that the mirror does not take back. */
  get refusals(): ReadonlyMap<Group, Refusal> {
    return this.held;
  }

  /** Why the last comparison came to no end. */
  get failure(): Refusal | null {
    return this.failed;
  }

  /** How many refs of namespaces the mirror was seen to lack, or to have elsewhere, without being told to take them. */
  get missing(): number {
    return this.lacking;
  }

  /** The next comparison is due at once. */
  soon(): void {
    this.due = Number.NEGATIVE_INFINITY;
  }

  /** Compares and pushes, each namespace by itself; namespaces that `waiting` gives are left to the queue. Throws when the host is away. */
  async restore(waiting: () => ReadonlySet<Group>, signal: AbortSignal): Promise<Restored> {
    const { clock } = this.retry;
    try {
      const before = await this.store.refs(HERE);
      const there = await this.target.refs(THERE, signal);
      const here = await this.store.refs(HERE);
      const busy = new Set([...waiting(), ...movedGroups(before, here)]);
      const gaps = await this.gaps(here, there);
      const idle = [...gaps].filter(([group]) => !busy.has(group));
      this.lacking = idle.reduce((sum, [, { updates, diverged }]) => sum + updates.length + diverged.length, 0);
      const refs = await this.fill(idle, here, signal);
      this.failed = null;
      const refused = [...this.held.values()];
      const again = idle.length < gaps.size ? AGAIN_MS : COMPARE_EVERY_MS;
      this.due = Math.min(clock.now() + again, ...refused.map(({ sameUntil }) => sameUntil));
      return { refs, branches: [...here.keys()].filter((ref) => groupOf(ref) === null && !there.has(ref)), refused, there };
    } catch (error) {
      this.failed = refusalAfter(this.failed, toKvError(error), this.retry);
      this.due = this.failed.nextTry;
      throw error;
    }
  }

  private async gaps(here: ReadonlyMap<RefName, Oid>, there: ReadonlyMap<RefName, Oid>): Promise<Map<Group, Gap>> {
    const gaps = new Map<Group, Gap>();
    for (const [ref, next] of shownRefs(here)) {
      const group = groupOf(ref);
      const at = there.get(ref);
      if (group === null || at === next) continue;
      const gap = gaps.get(group) ?? { updates: [], diverged: [] };
      gaps.set(group, gap);
      if (at === undefined) gap.updates.push({ ref, next, expected: null });
      else if (await this.store.isAncestor(at, next)) gap.updates.push({ ref, next });
      else gap.diverged.push(ref);
    }
    return gaps;
  }

  private async fill(
    gaps: readonly (readonly [Group, Gap])[],
    here: ReadonlyMap<RefName, Oid>,
    signal: AbortSignal,
  ): Promise<number> {
    const before = this.held;
    this.held = new Map();
    let restored = 0;
    for (const [group, { updates, diverged }] of gaps) {
      try {
        if (diverged.length > 0) throw divergence(this.target.label, diverged);
        for (let at = 0; at < updates.length; at += SLICE) await this.target.push(updates.slice(at, at + SLICE), signal);
      } catch (error) {
        if (!KvError.is(error) || error.code === 'IO_ERROR' || error.code === 'INTERRUPTED') throw error;
        this.held.set(group, refusalAfter(before.get(group) ?? null, error, this.retry));
        continue;
      }
      restored += updates.length;
      this.lacking -= updates.length;
      const [ref, next] = [mirrorRef(group), here.get(ledgerRef(group))];
      const old = here.get(ref) ?? null;
      if (group !== '' && next !== undefined && old !== next) await moveWatermarks(this.store, [{ ref, old, next }]);
    }
    return restored;
  }
}

/** The groups of which a ref has moved from one look to the next: what is here of them may be half of a transaction. */
function movedGroups(before: ReadonlyMap<RefName, Oid>, after: ReadonlyMap<RefName, Oid>): Group[] {
  const refs = new Set([...before.keys(), ...after.keys()]);
  return [...refs].filter((ref) => before.get(ref) !== after.get(ref)).flatMap((ref) => groupOf(ref) ?? []);
}

const divergence = (label: string, refs: readonly RefName[]): KvError =>
  new KvError('SYNC_REFUSED', `${label}: ${refs.map((ref) => `${ref} (does not lead to what is here)`).join(', ')}`, {
    details: { refs },
    hint: 'somebody else wrote to the mirror: compare both sides, let one of them give way, and protect the refs there',
    advice: { id: 'compare-sides' },
  });
