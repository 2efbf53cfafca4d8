import { KvError, toKvError } from '../../../ports/error.js';
import type { IntentRecord } from '../../../ports/stargate/journal.js';
import { NO_SPAN, type Span } from '../../../ports/tracing.js';
import { isNamespace } from '../../../ports/grammar/namespace.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { formatTime } from '../../ledger/value/metadata.js';
import { BranchLane } from './branches/branch-lane.js';
import { LostRefs } from './compare.js';
import type { MirrorContext } from './context.js';
import { LedgerRefs } from './ledgers/ledgers.js';
import { Nap } from './nap.js';
import { type Group, MirrorQueue, type Waiting } from './queue.js';
import type { RefusedNamespaces } from './readers-notice.js';
import { type Refusal, retryDelay } from './retry-delay.js';
import { MirrorTraces } from './traces.js';

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
/** While many write, the next push waits for as long as the last one took, and takes more along; never for longer than this. */
const MOST_REST_MS = 500;
/** So many transactions that were accepted during a push are many: what one writer writes next is shown at once. */
const MANY = 4;

/** How long to wait before the next push, ms. */
interface Pause {
  readonly ms: number;
  /** What is accepted meanwhile waits too. */
  readonly all: boolean;
  /** Nothing else is asked of the host meanwhile. */
  readonly away: boolean;
}

const NO_PAUSE: Pause = { ms: 0, all: false, away: false };

/**
 * Drains the journal to the read host: everything that waits goes in one push, with the watermarks of the namespaces it
 * concerns, until the push succeeds; a namespace that the mirror refuses is left behind by the others. Branches and tags go at the
 * same time, in pushes of their own. One runs at a time, in the leader.
 */
export class MirrorWorker {
  private readonly queue = new MirrorQueue();
  private readonly nap = new Nap();
  private readonly traces = new MirrorTraces();
  private lastSuccess: string | null = null;
  private hostError: MirrorFailure | null = null;
  private failures = 0;
  private readonly ledgers: LedgerRefs;
  private readonly branches: BranchLane;
  private readonly lost: LostRefs;
  /** How many transactions, or moves of other refs, were accepted until now. */
  private accepted = 0;
  /** What the mirror has taken since it was last refused. */
  private readonly taken = new Set<Group>();

  constructor(private readonly context: MirrorContext) {
    const { store, target } = context;
    this.ledgers = new LedgerRefs(store, target, context);
    this.branches = new BranchLane(context, {
      refused: (refusal) => {
        this.noteRefused(refusal);
        this.tellCount();
      },
      trying: () => {
        const batch = this.queue.all.filter(({ branchesUntried }) => branchesUntried);
        const started = context.clock.now();
        return () => {
          for (const one of batch) one.branchesUntried = false;
          this.tellCount();
          return this.confirm(batch, new Set(), started);
        };
      },
    });
    this.lost = new LostRefs(store, target, context);
  }

  /** `span` is the commit's, where they come from one. */
  enqueue(intents: readonly IntentRecord[], span: Span = NO_SPAN): void {
    if (this.queue.add(intents) === 0) return; // recovery may name again what waits already
    for (const intent of intents) {
      this.traces.begin(intent, span);
      this.accepted += Math.max(1, intent.events.length);
    }
    this.context.observer.enqueued(this.queue.size);
    this.branches.note(this.queue.takeBranches());
    this.nap.wake();
  }

  /** Whether the mirror doesn't show an intent yet, as far as this worker knows. */
  isWaiting(id: string): boolean {
    return this.queue.has(id);
  }

  status(): WorkerStatus {
    const { lastSuccess } = this;
    const away = this.branches.hostError;
    const hostError = this.hostError ?? (away === null ? null : shown(away));
    const refusals = this.refusals();
    const standing = [...refusals.values(), ...(this.lost.failure === null ? [] : [this.lost.failure])];
    const [newest] = standing.sort((a, b) => b.at - a.at);
    const lastError = hostError ?? (newest === undefined ? null : shown(newest));
    const ahead = this.context.standing?.behind ?? new Map<string, KvError>();
    const refused = new Map([...refusals].map(([name, one]) => [name, shown({ ...one, error: ahead.get(name) ?? one.error })]));
    const behind = new Map([...ahead].map(([ns, { message }]) => [ns, message]));
    const backlog = this.queue.size + this.branches.waiting;
    return { backlog, lastSuccess, lastError, hostError, refused, missing: this.lost.missing, behind };
  }

  private refusals(): Map<string, Refusal> {
    return new Map([...this.lost.refusals, ...this.ledgers.refusals, ...this.branches.refusals]);
  }

  /** Runs until the signal fires; never rejects. What is left in the queue is in the journal. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.drain(signal), this.branches.run(signal)]);
    this.traces.stop(new KvError('INTERRUPTED', 'this worker has stopped'));
  }

  /** Both sides are to be compared anew, as after somebody has mended one of them. */
  recheck(): void {
    this.lost.soon();
    this.ledgers.again();
    this.nap.wake();
  }

  private async drain(signal: AbortSignal): Promise<void> {
    await this.look(signal);
    while (!signal.aborted) {
      this.nap.forget();
      const pause = this.queue.size === 0 ? NO_PAUSE : await this.attempt(signal);
      if (this.lost.dueIn === 0 && !pause.away) await this.compare(signal);
      else if (this.context.standing?.dueIn === 0) await this.look(signal);
      await this.tellReaders(signal);
      const { standing, readers } = this.context;
      const never = Number.POSITIVE_INFINITY;
      const looks = Math.min(this.lost.dueIn, standing?.dueIn ?? never, readers?.dueIn(this.refusedNamespaces()) ?? never);
      const ms = pause.all ? pause.ms : Math.min(this.ledgers.dueIn(this.queue.all), Math.max(looks, LEAST_PAUSE_MS));
      await this.nap.take(this.context.clock, ms, signal, pause.all);
    }
  }

  /** Whether the mirror is ahead. A mirror that can't be reached is told of by the pushes and comparisons that meet it too. */
  private async look(signal: AbortSignal, there?: ReadonlyMap<RefName, Oid>): Promise<void> {
    try {
      await this.context.standing?.look(signal, there);
    } catch (thrown) {
      const error = toKvError(thrown);
      if (!signal.aborted && error.code !== 'IO_ERROR') this.context.observer.failed(error, this.queue.size, 0);
    }
  }

  /** One push of all that waits of namespaces. */
  private async attempt(signal: AbortSignal): Promise<Pause> {
    const { clock } = this.context;
    const batch = this.queue.all;
    const started = clock.now();
    const { accepted } = this;
    try {
      this.context.failpoint?.('mirror-push');
      const { landed, refused } = await this.ledgers.push(batch, signal);
      for (const refusal of refused) this.noteRefused(refusal);
      for (const group of this.refusals().keys()) this.taken.delete(group);
      for (const group of landed) this.taken.add(group);
      await this.confirm(batch, landed, started);
      this.failures = 0;
      this.hostError = null;
      const rest = this.accepted - accepted < MANY ? 0 : Math.min(clock.now() - started, MOST_REST_MS);
      return { ms: rest, all: rest > 0, away: false };
    } catch (thrown) {
      this.traces.failed(batch.map(({ intent }) => intent.id));
      // When it is told to stop, a push that was cut off is no failure: the journal keeps it.
      return { ms: signal.aborted ? 0 : this.failed(toKvError(thrown)), all: true, away: true };
    } finally {
      this.tellCount();
    }
  }

  /** Brings back what the mirror has lost; what waits is left to the queue. */
  private async compare(signal: AbortSignal): Promise<void> {
    const { observer } = this.context;
    try {
      // A namespace whose mirror is ahead has nothing to bring back: `status` says of it what there is to say.
      const ahead = [...(this.context.standing?.behind.keys() ?? [])];
      const waiting = (): Set<string> => new Set([...ahead, ...this.queue.all.flatMap(({ groups }) => [...groups])]);
      const { refs, branches, refused, there } = await this.lost.restore(waiting, signal);
      for (const refusal of refused) this.tellRefused(refusal);
      if (refs > 0) observer.restored(refs);
      this.branches.noteMissing(branches);
      await this.look(signal, there);
    } catch (thrown) {
      if (!signal.aborted) observer.failed(toKvError(thrown), this.queue.size, this.lost.dueIn);
    } finally {
      this.tellCount();
    }
  }

  /** Has readers told of what is refused for long, and that it is so no more. */
  private async tellReaders(signal: AbortSignal): Promise<void> {
    const { readers, observer } = this.context;
    const now = this.refusedNamespaces();
    if (readers === undefined || signal.aborted || readers.dueIn(now) > 0) return;
    try {
      await readers.tell(now);
    } catch (thrown) {
      if (!signal.aborted) observer.failed(toKvError(thrown), this.queue.size, readers.dueIn(now));
    }
  }

  /** A mirror that is ahead shows nothing old. */
  private refusedNamespaces(): RefusedNamespaces {
    const ahead = this.context.standing?.behind;
    const refused = new Map([...this.refusals()].filter(([group]) => isNamespace(group) && ahead?.has(group) !== true));
    const compares = this.lost.dueIn === 0 || this.lost.failure !== null;
    const isOpen = (ns: string): boolean =>
      ahead?.has(ns) !== true && !this.taken.has(ns) && (compares || this.queue.all.some(({ groups }) => groups.has(ns)));
    return { refused, isOpen };
  }

  private tellCount(): void {
    this.context.observer.refused(this.refusals().size);
  }

  private async confirm(batch: readonly Waiting[], landed: ReadonlySet<string>, started: number): Promise<void> {
    const { clock, observer, journal } = this.context;
    const { done, upTo } = this.queue.settle(batch, landed);
    if (done.length === 0) return;
    this.traces.landed(done, started);
    this.context.failpoint?.('mirror-pushed');
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

  private tellRefused({ error, at, sameUntil }: Refusal): void {
    this.context.observer.failed(error, this.queue.size, sameUntil - at);
  }
}

const shown = ({ error, at }: Refusal): MirrorFailure => ({ at: formatTime(at), code: error.code, message: error.message });
