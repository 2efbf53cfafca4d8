import type { Clock, Randomness } from '../../ports/clock.js';
import { KvError, toKvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { IntentRecord, Journal } from '../../ports/journal.js';
import type { MirrorTarget } from '../../ports/mirror-target.js';
import { formatTime } from '../metadata.js';
import { OrdinaryRefs } from './mirror-branches.js';
import { LedgerRefs, type Refusal } from './mirror-ledgers.js';
import { MirrorQueue } from './mirror-queue.js';

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

export interface MirrorFailure {
  readonly at: string;
  readonly code: string;
  readonly message: string;
}

export interface MirrorStatus {
  readonly backlog: number;
  readonly lastSuccess: string | null;
  readonly lastError: MirrorFailure | null;
  /** The namespaces that the mirror does not take, while it takes others. */
  readonly refused: ReadonlyMap<string, MirrorFailure>;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 30_000;
/** Somebody else's writes don't go away by asking again soon. */
const DIVERGED_RETRY_MS = 10_000;

/** How long to wait before the next try, ms; and whether what is accepted meanwhile waits too, as while the host is away. */
interface Pause {
  readonly ms: number;
  readonly all: boolean;
}

/**
 * Drains the journal to the read host: everything that waits goes in one push, with the watermarks of the namespaces it
 * concerns, until the push succeeds; a namespace that the mirror refuses is left behind by the others.
 * One runs at a time, in the leader.
 */
export class MirrorWorker {
  private readonly queue = new MirrorQueue();
  private wake: () => void = () => undefined;
  private lastSuccess: string | null = null;
  private lastError: MirrorFailure | null = null;
  private failures = 0;
  private readonly ledgers: LedgerRefs;
  private readonly ordinary: OrdinaryRefs;

  constructor(private readonly context: MirrorContext) {
    const { store, target, clock } = context;
    this.ledgers = new LedgerRefs(store, target, clock);
    this.ordinary = new OrdinaryRefs(store, target);
  }

  enqueue(intents: readonly IntentRecord[]): void {
    if (this.queue.add(intents) === 0) return; // recovery may name again what waits already
    this.context.observer.enqueued(this.queue.size);
    this.wake();
  }

  /** Whether the mirror doesn't show an intent yet, as far as this worker knows. */
  isWaiting(id: string): boolean {
    return this.queue.has(id);
  }

  status(): MirrorStatus {
    const refused = new Map(this.ledgers.refusals.map((one) => [one.group, shown(one)]));
    const lastError = this.lastError ?? [...refused.values()].at(-1) ?? null;
    return { backlog: this.queue.size + this.ordinary.waiting, lastSuccess: this.lastSuccess, lastError, refused };
  }

  /** Runs until the signal fires; never rejects. What is left in the queue is in the journal. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.wake(), { once: true });
    await this.noteBranches();
    while (!signal.aborted) {
      if (this.queue.size === 0 && this.ordinary.waiting === 0) await this.news();
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

  /** One push of all that waits. */
  private async attempt(signal: AbortSignal): Promise<Pause> {
    const { clock } = this.context;
    const batch = this.queue.all;
    const started = clock.now();
    try {
      this.ordinary.note(this.queue.takeBranches());
      const { landed, refused } = await this.ledgers.push(batch, signal);
      for (const one of refused) this.tellRefused(one);
      const branch = await this.ordinary.push(signal);
      const { done, upTo } = this.queue.settle(batch, landed);
      if (done.length > 0) await this.confirm(done, upTo, started);
      const waits = this.ledgers.refusals.map(({ nextTry }) => Math.max(0, nextTry - clock.now()));
      if (branch !== null) waits.push(this.failed(branch));
      return { ms: waits.length === 0 ? 0 : Math.min(...waits), all: false };
    } catch (thrown) {
      // When it is told to stop, a push that was cut off is no failure: the journal keeps it.
      return signal.aborted ? { ms: 0, all: true } : { ms: this.failed(toKvError(thrown)), all: this.queue.size > 0 };
    }
  }

  private async confirm(done: readonly IntentRecord[], upTo: string | null, started: number): Promise<void> {
    const { clock, observer, journal } = this.context;
    if (upTo !== null) await journal.append({ kind: 'mirrored', id: upTo, ts: formatTime(clock.now()) }, { sync: false });
    this.failures = 0;
    this.lastSuccess = formatTime(clock.now());
    this.lastError = null;
    const lagMs = clock.now() - Date.parse((done[0] as IntentRecord).ts);
    observer.succeeded({ transactions: done.length, backlog: this.queue.size, lagMs, tookMs: clock.now() - started });
  }

  /** Keeps an error for `status`; gives how long to wait before the next try, ms. */
  private failed(error: KvError): number {
    const { clock, observer } = this.context;
    const delay = this.backOff(error);
    this.lastError = { at: formatTime(clock.now()), code: error.code, message: error.message };
    observer.failed(error, this.queue.size, delay);
    return delay;
  }

  private tellRefused({ error, at, nextTry }: Refusal): void {
    this.context.observer.failed(error, this.queue.size, nextTry - at);
  }

  private backOff(error: KvError): number {
    const asked = error.details?.['retryAfterMs'];
    if (typeof asked === 'number' && asked > 0) return asked;
    if (error.code === 'SYNC_REFUSED') return DIVERGED_RETRY_MS;
    const base = Math.min(FIRST_RETRY_MS * 2 ** this.failures++, LAST_RETRY_MS);
    const jitter = (this.context.randomness.bytes(1)[0] as number) / 255;
    return Math.round(base * (0.5 + jitter / 2));
  }

  /** Waits before the next try. While only what was refused waits, a new transaction ends the wait. */
  private async pause({ ms, all }: Pause, signal: AbortSignal): Promise<void> {
    if (ms === 0 || signal.aborted) return;
    if (!all && this.ledgers.isDue(this.queue.all)) return; // it came while the last push was at work
    const nap = new AbortController();
    const stop = (): void => nap.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (!all) void this.news().then(stop);
    try {
      await this.context.clock.sleep(ms, nap.signal);
    } catch (error) {
      if (!nap.signal.aborted) throw error; // woken up, which the loop sees by itself
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}

const shown = ({ error, at }: Refusal): MirrorFailure => ({ at: formatTime(at), code: error.code, message: error.message });
