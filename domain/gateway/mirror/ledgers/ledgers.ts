import { KvError } from '../../../../ports/error.js';
import { isNamespace } from '../../../../ports/grammar/namespace.js';
import type { GitStore } from '../../../../ports/git/git-store.js';
import type { MirrorTarget, MirrorUpdate } from '../../../../ports/stargate/mirror-target.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { type Piece, piecesOf } from './pieces.js';
import { moveWatermarks, planMoves, planPush, type PushPlan } from './plan.js';
import { ledgerRef } from '../../../ledger/refs.js';
import { type Group, groupOf, type Waiting } from '../queue.js';
import { type Refusal, refusalAfter, type RetryContext } from '../retry-delay.js';

/** How often one transaction that is too much for the host by itself is sent again while others follow it, ms. */
const ALONE_RETRY_MS = 300_000;

/**
 * The refs of the namespaces on their way to the mirror: in one push while it takes them. When it refuses, each refused namespace
 * goes by itself from then on, and holds nothing else up. What waits of one is sent in pieces once all of it together was too much.
 */
export class LedgerRefs {
  private readonly refused = new Map<Group, Refusal>();
  /** The newest intent of a refused group that was sent. */
  private readonly sent = new Map<Group, string | undefined>();
  /** The namespaces that go in pieces, each with how many transactions are tried next. */
  private readonly portions = new Map<Group, number>();

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
    const large = groups.filter((group) => this.portions.has(group));
    const whole = groups.filter((group) => !this.portions.has(group));
    await this.pushTogether(
      batch,
      whole.filter((group) => !this.refused.has(group)),
      landed,
      signal,
    );
    for (const group of whole) {
      if (!landed.has(group) && before.has(this.refused.get(group) as Refusal))
        await this.pushTogether(batch, [group], landed, signal);
    }
    // Last, and one portion a round: what is large holds up nobody.
    for (const group of large) await this.pushPortion(batch, group, landed, signal);
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
    if (groups.length === 1) {
      return isTooMuch(error) && isNamespace(first) ? this.split(batch, first, error, signal) : this.hold(first, error);
    }
    const named = groupsIn(error);
    const others = groups.filter((group) => !named.has(group));
    const together = others.length < groups.length ? others : [];
    await this.pushTogether(batch, together, landed, signal);
    for (const group of groups) if (!together.includes(group)) await this.pushTogether(batch, [group], landed, signal);
  }

  /**
   * Sends what the mirror takes of a namespace that was too much for it: half as many transactions each time that it refuses, twice as
   * many each time that it takes them. One that is too much by itself is held, and with it all that follow.
   */
  private async pushPortion(batch: readonly Waiting[], ns: Group, landed: Set<Group>, signal: AbortSignal): Promise<void> {
    const { pieces, there } = await this.pieces(batch, ns, signal);
    for (let count = this.portions.get(ns) ?? 1; ; ) {
      // What the mirror has already goes along, since nobody has confirmed it, and weighs nothing.
      const portion = pieces.slice(0, there + count);
      const plan = await planMoves(
        this.store,
        portion.flatMap(({ moves }) => moves),
        true,
      );
      const error = await this.tryPlan(plan, signal);
      if (error === null) {
        // An intent is done when all of it is there, and what is done is not asked for again.
        for (const { waiting, last } of portion) if (last) waiting.groups.delete(ns);
        this.refused.delete(ns);
        this.portions.set(ns, count * 2);
        if (portion.length < pieces.length) return;
        landed.add(ns);
        this.portions.delete(ns);
        return;
      }
      if (!isTooMuch(error)) return this.hold(ns, error);
      const sent = portion.length - there;
      if (sent <= 1) return this.holdAlone(ns, portion.at(-1)?.ledger ?? null, error);
      count = Math.floor(sent / 2);
    }
  }

  /** What waits of a namespace was too much for the mirror: less of it goes in the next round, where there is less. */
  private async split(batch: readonly Waiting[], ns: Group, error: KvError, signal: AbortSignal): Promise<void> {
    const { pieces, there } = await this.pieces(batch, ns, signal);
    const waiting = pieces.length - there;
    if (waiting < 2) return this.holdAlone(ns, pieces.at(-1)?.ledger ?? null, error);
    this.portions.set(ns, Math.ceil(waiting / 2));
    const refusal = refusalAfter(this.refused.get(ns) ?? null, error, this.retry);
    this.refused.set(ns, { ...refusal, nextTry: refusal.at, sameUntil: refusal.at });
  }

  /** What waits of a namespace, and how many of these pieces the mirror has: of a push of several transactions, it may have some. */
  private async pieces(
    batch: readonly Waiting[],
    ns: Group,
    signal: AbortSignal,
  ): Promise<{ pieces: readonly Piece[]; there: number }> {
    const at = (await this.target.refs([ledgerRef(ns)], signal)).get(ledgerRef(ns));
    const pieces = await piecesOf(this.store, batch, ns);
    return { pieces, there: at === undefined ? 0 : pieces.findIndex(({ ledger }) => ledger === at) + 1 };
  }

  /** Gives the refusal; throws what says nothing about a ref. */
  private async tryPush(batch: readonly Waiting[], groups: readonly Group[], signal: AbortSignal): Promise<KvError | null> {
    return this.tryPlan(await planPush(this.store, batch, new Set(groups)), signal);
  }

  private async tryPlan(plan: PushPlan, signal: AbortSignal): Promise<KvError | null> {
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
      const there = await this.target.refs(
        updates.map(({ ref }) => ref),
        signal,
      );
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

  /** What was refused may be tried again at once, as after somebody has mended the host. */
  again(): void {
    const now = this.retry.clock.now();
    for (const [group, refusal] of this.refused) this.refused.set(group, { ...refusal, nextTry: now, sameUntil: now });
  }

  /** What follows one transaction that is too much by itself makes it no less: the host is asked again all the same, now and then. */
  private holdAlone(ns: Group, ledger: Oid | null, error: KvError): void {
    this.portions.set(ns, 1);
    const refusal = refusalAfter(this.refused.get(ns) ?? null, alone(error, ns, ledger), this.retry);
    this.refused.set(ns, { ...refusal, nextTry: Math.max(refusal.nextTry, refusal.at + ALONE_RETRY_MS) });
  }

  private hold(group: Group, error: KvError): void {
    this.refused.set(group, refusalAfter(this.refused.get(group) ?? null, error, this.retry));
  }
}

/** The host doesn't take what it was sent for what that is: less of it may be another thing. */
const isTooMuch = ({ details }: KvError): boolean => details?.['content'] === true;

/** The refusal of one transaction by itself, by its name. */
function alone(error: KvError, ns: Group, ledger: Oid | null): KvError {
  if (ledger === null) return error;
  const { code, hint, details } = error;
  const message = `ledger commit ${ledger} of namespace ${ns}, sent by itself: ${error.message}`;
  return new KvError(code, message, { ...(hint === undefined ? {} : { hint }), details: { ...details, ledger }, cause: error });
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
