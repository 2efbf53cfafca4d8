import type { Clock, Randomness } from '../../../ports/clock.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { IntentRecord, Journal } from '../../../ports/journal.js';
import type { MirrorTarget } from '../../../ports/mirror-target.js';
import { formatTime } from '../../ledger/metadata.js';
import { OrdinaryRefs } from './branches.js';
import { LostRefs } from './compare.js';
import { LedgerRefs } from './ledgers.js';
import { MirrorQueue, type Waiting } from './queue.js';
import { type Refusal, retryDelay } from './retry-delay.js';

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
  /** How many namespaces, branches and tags the mirror does not take now. */
  refused(count: number): void;
  /** So many refs that the mirror had lost, or had as they were before, are there again. */
  restored(refs: number): void;
}

/** A look at whether the mirror is ahead of the Stargate. */
interface MirrorLook {
  /** The namespaces of which it is, each with what a write to it is told. */
  readonly behind: ReadonlyMap<string, KvError>;
  /** Milliseconds until it is to be taken again; 0 when it is due. */
  readonly dueIn: number;
  /** Throws when the host is away. */
  look(signal: AbortSignal): Promise<void>;
}

interface MirrorContext {
  readonly store: GitStore;
  readonly journal: Journal;
  readonly target: MirrorTarget;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly observer: MirrorObserver;
  /** Taken at the start, before anything is pushed, and after each comparison. */
  readonly standing?: MirrorLook;
}

interface MirrorFailure {
  readonly at: string;
  readonly code: string;
  readonly message: string;
}

/** Where the mirror worker stands: what waits, and what keeps it. Times are ISO 8601 UTC. */
export interface WorkerStatus {
  readonly backlog: number;
  readonly lastSuccess: string | null;
  /** The newest of those that still stand. */
  readonly lastError: MirrorFailure | null;
  /** What keeps everything from the mirror, not one namespace or branch. */
  readonly hostError: MirrorFailure | null;
  /** The namespaces, and the branches and tags by their refs, that the mirror does not take, while it takes others. */
  readonly refused: ReadonlyMap<string, MirrorFailure>;
  /** How many refs of namespaces the mirror has lost, or has elsewhere, though nothing waits that moves them. */
  readonly missing: number;
  /** The namespaces of which the mirror has accepted transactions that are not here, and what that means. */
  readonly behind: ReadonlyMap<string, string>;
}

/** An idle worker never spins. */
const LEAST_PAUSE_MS = 100;

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
  private hostError: MirrorFailure | null = null;
  private failures = 0;
  private readonly ledgers: LedgerRefs;
  private readonly ordinary: OrdinaryRefs;
  private readonly lost: LostRefs;

  constructor(private readonly context: MirrorContext) {
    const { store, target } = context;
    this.ledgers = new LedgerRefs(store, target, context);
    this.ordinary = new OrdinaryRefs(store, target, context);
    this.lost = new LostRefs(store, target, context);
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

  status(): WorkerStatus {
    const { hostError, lastSuccess } = this;
    const refusals = this.refusals();
    const standing = [...refusals.values(), ...(this.lost.failure === null ? [] : [this.lost.failure])];
    const [newest] = standing.sort((a, b) => b.at - a.at);
    const lastError = hostError ?? (newest === undefined ? null : shown(newest));
    const ahead = this.context.standing?.behind ?? new Map<string, KvError>();
    const refused = new Map([...refusals].map(([name, one]) => [name, shown({ ...one, error: ahead.get(name) ?? one.error })]));
    const behind = new Map([...ahead].map(([ns, { message }]) => [ns, message]));
    const backlog = this.queue.size + this.ordinary.waiting;
    return { backlog, lastSuccess, lastError, hostError, refused, missing: this.lost.missing, behind };
  }

  private refusals(): Map<string, Refusal> {
    return new Map([...this.lost.refusals, ...this.ledgers.refusals, ...this.ordinary.refusals]);
  }

  /** Runs until the signal fires; never rejects. What is left in the queue is in the journal. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.wake(), { once: true });
    await this.look(signal);
    await this.noteBranches();
    while (!signal.aborted) {
      const pause = this.isIdle ? { ms: 0, all: false } : await this.attempt(signal);
      if (this.lost.dueIn === 0 && !pause.all) await this.compare(signal);
      else if (this.context.standing?.dueIn === 0) await this.look(signal);
      const idle = Math.min(this.lost.dueIn, this.context.standing?.dueIn ?? Number.POSITIVE_INFINITY);
      await this.pause(this.isIdle ? { ms: Math.max(idle, LEAST_PAUSE_MS), all: false } : pause, signal);
    }
  }

  /** Both sides are to be compared anew, as after somebody has mended one of them. */
  recheck(): void {
    this.lost.soon();
    this.wake();
  }

  /** Whether the mirror is ahead. A mirror that can't be reached is told of by the pushes and comparisons that meet it too. */
  private async look(signal: AbortSignal): Promise<void> {
    try {
      await this.context.standing?.look(signal);
    } catch (thrown) {
      const error = toKvError(thrown);
      if (!signal.aborted && error.code !== 'IO_ERROR') this.context.observer.failed(error, this.queue.size, 0);
    }
  }

  private get isIdle(): boolean {
    return this.queue.size === 0 && this.ordinary.waiting === 0;
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
    const { clock, observer } = this.context;
    const batch = this.queue.all;
    const started = clock.now();
    let away = true;
    try {
      this.ordinary.note(this.queue.takeBranches());
      const { landed, refused } = await this.ledgers.push(batch, signal);
      away = false;
      for (const refusal of refused) this.noteRefused(refusal);
      // Ledgers are confirmed before the branches go: a branch that breaks the connection must not make them wait.
      if (landed.size > 0) await this.confirm(batch, landed, started);
      const branches = await this.ordinary.push(signal);
      for (const refusal of branches) this.noteRefused(refusal);
      if (landed.size === 0) await this.confirm(batch, landed, started);
      this.failures = 0;
      this.hostError = null;
      const waits = [...this.refusals().values()].map(({ nextTry }) => Math.max(0, nextTry - clock.now()));
      return { ms: waits.length === 0 ? 0 : Math.min(...waits), all: false };
    } catch (thrown) {
      // When it is told to stop, a push that was cut off is no failure: the journal keeps it.
      return signal.aborted ? { ms: 0, all: true } : { ms: this.failed(toKvError(thrown)), all: away };
    } finally {
      observer.refused(this.refusals().size);
    }
  }

  /** Brings back what the mirror has lost; what waits is left to the queue. */
  private async compare(signal: AbortSignal): Promise<void> {
    const { observer } = this.context;
    try {
      // A namespace whose mirror is ahead has nothing to bring back: `status` says of it what there is to say.
      const ahead = [...(this.context.standing?.behind.keys() ?? [])];
      const waiting = (): Set<string> => new Set([...ahead, ...this.queue.all.flatMap(({ groups }) => [...groups])]);
      const { refs, branches, refused } = await this.lost.restore(waiting, signal);
      for (const refusal of refused) this.tellRefused(refusal);
      if (refs > 0) observer.restored(refs);
      this.ordinary.noteMissing(branches);
      await this.look(signal);
    } catch (thrown) {
      if (!signal.aborted) observer.failed(toKvError(thrown), this.queue.size, this.lost.dueIn);
    } finally {
      observer.refused(this.refusals().size);
    }
  }

  private async confirm(batch: readonly Waiting[], landed: ReadonlySet<string>, started: number): Promise<void> {
    const { clock, observer, journal } = this.context;
    const { done, upTo } = this.queue.settle(batch, landed);
    if (done.length === 0) return;
    if (upTo !== null) await journal.append({ kind: 'mirrored', id: upTo, ts: formatTime(clock.now()) }, { sync: false });
    this.failures = 0;
    this.lastSuccess = formatTime(clock.now());
    const lagMs = clock.now() - Date.parse((done[0] as IntentRecord).ts);
    observer.succeeded({ transactions: done.length, backlog: this.queue.size, lagMs, tookMs: clock.now() - started });
  }

  /** Keeps an error of the host for `status`; gives how long to wait before the next try, ms. */
  private failed(error: KvError): number {
    const { clock, observer, randomness } = this.context;
    const delay = retryDelay(error, ++this.failures, randomness);
    this.hostError = { at: formatTime(clock.now()), code: error.code, message: error.message };
    observer.failed(error, this.queue.size, delay);
    return delay;
  }

  /** Where one ref is not as it was left, others may be missing too. */
  private noteRefused(refusal: Refusal): void {
    const { code } = refusal.error;
    if (refusal.times === 1 && (code === 'SYNC_REFUSED' || code === 'NOT_FOUND')) this.lost.soon();
    this.tellRefused(refusal);
  }

  private tellRefused({ error, at, nextTry }: Refusal): void {
    this.context.observer.failed(error, this.queue.size, nextTry - at);
  }

  /** Waits before the next try. While only what was refused waits, a new transaction ends the wait. */
  private async pause({ ms, all }: Pause, signal: AbortSignal): Promise<void> {
    if (ms === 0 || signal.aborted) return;
    // A branch or a transaction that came while the last push, or comparison, was at work.
    if (!all && (this.queue.hasBranches || this.ledgers.isDue(this.queue.all))) return;
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
