import { type KvError, toKvError } from '../../../../ports/error.js';
import type { RefName } from '../../../../ports/vocabulary.js';
import { OrdinaryRefs } from './branches.js';
import { COMPARE_EVERY_MS } from '../compare.js';
import type { MirrorContext } from '../context.js';
import { Nap } from '../nap.js';
import { type Refusal, refusalAfter } from '../retry-delay.js';

/** Who is told how branches fare. */
interface BranchObserver {
  refused(refusal: Refusal): void;
  /** A push of all that waits begins; what this gives is called when every one of them was taken or refused. */
  trying(): () => Promise<void>;
}

/**
 * Branches and tags on a way of their own to the mirror, so that no ledger waits for one of them: not for its bytes, and not for
 * the pause after a push of it has failed.
 */
export class BranchLane {
  private readonly ordinary: OrdinaryRefs;
  private readonly nap = new Nap();
  private away: Refusal | null = null;

  constructor(
    private readonly context: MirrorContext,
    private readonly observer: BranchObserver,
  ) {
    this.ordinary = new OrdinaryRefs(context.store, context.branches ?? context.target, context);
  }

  /** How many branches and tags the mirror doesn't show yet. */
  get waiting(): number {
    return this.ordinary.waiting;
  }

  /** The branches and tags that the mirror does not take. */
  get refusals(): ReadonlyMap<RefName, Refusal> {
    return this.ordinary.refusals;
  }

  /** Why nothing comes through; null while something does. */
  get hostError(): Refusal | null {
    return this.away;
  }

  /** Takes refs that have moved. */
  note(refs: readonly RefName[]): void {
    if (refs.length === 0) return;
    this.ordinary.note(refs);
    this.nap.wake();
  }

  /** Takes refs that the mirror lacks. */
  noteMissing(refs: readonly RefName[]): void {
    this.ordinary.noteMissing(refs);
    if (refs.length > 0) this.nap.wake();
  }

  /** Runs until the signal fires; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await this.noteAll();
    while (!signal.aborted) {
      this.nap.forget();
      const ms = this.waiting === 0 ? COMPARE_EVERY_MS : await this.attempt(signal);
      await this.nap.take(this.context.clock, ms, signal, this.away !== null);
    }
  }

  /** What the journal doesn't tell: branches and tags that the mirror refused before the last restart. */
  private async noteAll(): Promise<void> {
    try {
      this.ordinary.note([...(await this.context.store.refs(['refs/heads/', 'refs/tags/'])).keys()]);
    } catch (error) {
      this.fail(toKvError(error)); // the repository can't be read: every push will say so too
    }
  }

  /** Pushes what may be pushed now; gives the milliseconds until the next try is due. */
  private async attempt(signal: AbortSignal): Promise<number> {
    const { clock } = this.context;
    try {
      const tried = this.observer.trying();
      for (const refusal of await this.ordinary.push(signal)) this.observer.refused(refusal);
      await tried();
      this.away = null;
      const waits = [...this.refusals.values()].map(({ sameUntil }) => sameUntil - clock.now());
      return Math.max(0, Math.min(COMPARE_EVERY_MS, ...waits));
    } catch (thrown) {
      // When it is told to stop, a push that was cut off is no failure: the refs are looked at again at the next start.
      return signal.aborted ? 0 : this.fail(toKvError(thrown));
    }
  }

  private fail(error: KvError): number {
    this.away = refusalAfter(this.away, error, this.context);
    this.observer.refused(this.away);
    return this.away.nextTry - this.away.at;
  }
}
