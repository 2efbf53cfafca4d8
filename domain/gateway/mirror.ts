import type { Clock, Randomness } from '../../ports/clock.js';
import { KvError, toKvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { IntentRecord, Journal } from '../../ports/journal.js';
import type { MirrorTarget, MirrorUpdate } from '../../ports/mirror-target.js';
import { formatTime } from '../metadata.js';
import { moveWatermarks, OrdinaryRefs, ordinaryRefs, planPush } from './mirror-plan.js';

/** What `status`, the metrics and the log are told. */
export interface MirrorObserver {
  enqueued(backlog: number): void;
  /** `lagMs`: from the oldest accepted transaction of the batch to now; `tookMs`: the push itself. */
  succeeded(outcome: {
    readonly transactions: number;
    readonly backlog: number;
    readonly lagMs: number;
    readonly tookMs: number;
  }): void;
  failed(error: KvError, backlog: number, retryInMs: number): void;
}

export interface MirrorContext {
  readonly store: GitStore;
  readonly journal: Journal;
  readonly target: MirrorTarget;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly observer: MirrorObserver;
}

export interface MirrorStatus {
  readonly backlog: number;
  readonly lastSuccess: string | null;
  readonly lastError: { readonly at: string; readonly code: string; readonly message: string } | null;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 30_000;
/** Somebody else's writes don't go away by asking again soon. */
const DIVERGED_RETRY_MS = 10_000;

/**
 * Drains the journal to the read host: everything that waits goes in one push, with the watermarks of the namespaces it
 * concerns, until the push succeeds. One runs at a time, in the leader.
 */
export class MirrorWorker {
  private queue: IntentRecord[] = [];
  private wake: () => void = () => undefined;
  private lastSuccess: string | null = null;
  private lastError: MirrorStatus['lastError'] = null;
  private failures = 0;
  private readonly ordinary: OrdinaryRefs;

  constructor(private readonly context: MirrorContext) {
    this.ordinary = new OrdinaryRefs(context.store, context.target);
  }

  enqueue(intents: readonly IntentRecord[]): void {
    const known = new Set(this.queue.map(({ id }) => id)); // recovery may name again what waits already
    const fresh = intents.filter(({ id }) => !known.has(id));
    if (fresh.length === 0) return;
    this.queue.push(...fresh);
    this.context.observer.enqueued(this.queue.length);
    this.wake();
  }

  status(): MirrorStatus {
    return { backlog: this.queue.length + this.ordinary.waiting, lastSuccess: this.lastSuccess, lastError: this.lastError };
  }

  /** Runs until the signal fires; never rejects. What is left in the queue is in the journal. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.wake(), { once: true });
    await this.noteBranches();
    while (!signal.aborted) {
      if (this.queue.length === 0 && this.ordinary.waiting === 0) await this.news();
      else await this.pause(await this.attempt(signal), signal);
    }
  }

  /** What the journal doesn't tell: branches and tags that the mirror refused before the last restart. */
  private async noteBranches(): Promise<void> {
    try {
      this.ordinary.note([...(await this.context.store.refs(['refs/heads/', 'refs/tags/'])).keys()]);
    } catch (error) {
      this.failed(toKvError(error)); // the repository can't be read: every push will say so too
    }
  }

  /** Resolves when something was enqueued, or when the worker is to stop. */
  private news(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  /** One push of all that waits; gives how long to wait before the next, ms. */
  private async attempt(signal: AbortSignal): Promise<number> {
    const { clock, store } = this.context;
    const batch = [...this.queue];
    const started = clock.now();
    try {
      const { updates, watermarks } = await planPush(store, batch);
      this.ordinary.note(ordinaryRefs(batch));
      if (updates.length > 0) await this.push(updates, signal);
      await moveWatermarks(store, watermarks);
      // By themselves: a branch that somebody has moved at the mirror must not hold up the ledgers.
      const refused = await this.ordinary.push(signal);
      if (batch.length > 0) await this.confirm(batch, started);
      return refused === null ? 0 : this.failed(refused);
    } catch (thrown) {
      // When it is told to stop, a push that was cut off is no failure: the journal keeps it.
      return signal.aborted ? 0 : this.failed(toKvError(thrown));
    }
  }

  private async confirm(batch: readonly IntentRecord[], started: number): Promise<void> {
    const { clock, observer, journal } = this.context;
    const [first, last] = [batch[0] as IntentRecord, batch[batch.length - 1] as IntentRecord];
    await journal.append({ kind: 'mirrored', id: last.id, ts: formatTime(clock.now()) }, { sync: false });
    this.queue.splice(0, batch.length);
    this.failures = 0;
    this.lastSuccess = formatTime(clock.now());
    this.lastError = null;
    const lagMs = clock.now() - Date.parse(first.ts);
    observer.succeeded({ transactions: batch.length, backlog: this.queue.length, lagMs, tookMs: clock.now() - started });
  }

  /** Keeps an error for `status`; gives how long to wait before the next try, ms. */
  private failed(error: KvError): number {
    const { clock, observer } = this.context;
    const delay = this.backOff(error);
    this.lastError = { at: formatTime(clock.now()), code: error.code, message: error.message };
    observer.failed(error, this.queue.length, delay);
    return delay;
  }

  /** A push that had landed when the process died is refused the second time, if it went by lease: then the mirror is asked. */
  private async push(updates: readonly MirrorUpdate[], signal: AbortSignal): Promise<void> {
    const { target } = this.context;
    try {
      await target.push(updates, signal);
    } catch (error) {
      const leased = updates.some(({ expected }) => expected !== undefined);
      if (!leased || !KvError.is(error) || error.code !== 'SYNC_REFUSED') throw error;
      const there = await target.refs(updates.map(({ ref }) => ref));
      if (updates.some(({ ref, next }) => (there.get(ref) ?? null) !== next)) throw error;
    }
  }

  private backOff(error: KvError): number {
    const asked = error.details?.['retryAfterMs'];
    if (typeof asked === 'number' && asked > 0) return asked;
    if (error.code === 'SYNC_REFUSED') return DIVERGED_RETRY_MS;
    const base = Math.min(FIRST_RETRY_MS * 2 ** this.failures++, LAST_RETRY_MS);
    const jitter = (this.context.randomness.bytes(1)[0] as number) / 255;
    return Math.round(base * (0.5 + jitter / 2));
  }

  /** Waits before the next try. With nothing but refused branches to try again, a new transaction ends the wait. */
  private async pause(ms: number, signal: AbortSignal): Promise<void> {
    if (ms === 0 || signal.aborted) return;
    const sleep = this.context.clock.sleep(ms, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error; // woken up to stop, which the loop sees by itself
    });
    await (this.queue.length === 0 ? Promise.race([sleep, this.news()]) : sleep);
  }
}
