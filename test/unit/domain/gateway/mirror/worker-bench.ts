import { MirrorWorker, type WorkerStatus } from '../../../../../domain/gateway/mirror/worker.js';
import type { MirrorContext } from '../../../../../domain/gateway/mirror/context.js';
import { ReadersNotice } from '../../../../../domain/gateway/mirror/readers-notice.js';
import { formatTime } from '../../../../../domain/ledger/value/metadata.js';
import type { Clock } from '../../../../../ports/clock.js';
import { KvError } from '../../../../../ports/error.js';
import type { GitStore } from '../../../../../ports/git/git-store.js';
import type { Journal, JournalRecord } from '../../../../../ports/stargate/journal.js';
import type { MirrorTarget, MirrorUpdate } from '../../../../../ports/stargate/mirror-target.js';
import type { Oid, RefName } from '../../../../../ports/vocabulary.js';
import { memory, NOW, SeededRandomness } from '../../../../support/memory/memory.js';

/** Something that the worker has told of itself: what, and its figures. */
export type Heard = { readonly what: 'enqueued' | 'succeeded' | 'failed' | 'refused' } & Readonly<Record<string, unknown>>;

/** Stands still until it is moved; a sleeper wakes when its time has come. */
export class SteppedClock implements Clock {
  private at = NOW;
  private readonly sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();
  now(): number {
    return this.at;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((wake, reject) => {
      const sleeper = { until: this.at + ms, wake };
      this.sleepers.add(sleeper);
      const stop = (): void => {
        this.sleepers.delete(sleeper);
        reject(new KvError('INTERRUPTED', 'stopped'));
      };
      if (signal?.aborted === true) stop();
      else signal?.addEventListener('abort', stop, { once: true });
    });
  }
  advance(ms: number): void {
    this.at += ms;
    for (const sleeper of [...this.sleepers]) {
      if (sleeper.until > this.at) continue;
      this.sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}

/** A worker over refs in memory; `refuse` says which refs the mirror does not take, and how. */
export class Bench {
  readonly clock = new SteppedClock();
  readonly refs = new Map<RefName, Oid>();
  /** What the mirror shows. */
  readonly there = new Map<RefName, Oid>();
  /** What the worker said of refs that came back. */
  readonly restored: number[] = [];
  /** All that the worker has told of itself, in that order. */
  readonly heard: Heard[] = [];
  /** Where the worker says that a test may stop it. */
  readonly failpoints: string[] = [];
  /** What readers were told, each time: the namespaces that are refused. */
  readonly told: string[] = [];
  /** How often the mirror was asked for its refs. */
  lists = 0;
  list: () => KvError | null = () => null;
  /** The refs of every push that was tried. */
  readonly pushes: RefName[][] = [];
  readonly records: JournalRecord[] = [];
  /** Whether each record was to be synced. */
  readonly synced: (boolean | undefined)[] = [];
  refuse: (ref: RefName) => KvError | null = () => null;
  /** What a push waits for. */
  before: (refs: readonly RefName[]) => Promise<void> | undefined = () => undefined;
  private readonly stopping = new AbortController();
  private readonly worker: MirrorWorker;
  private readonly running: Promise<void>;
  private accepted = 0;

  constructor(refs: readonly (readonly [RefName, Oid])[] = [], there = refs, more: Partial<MirrorContext> = {}) {
    const { store } = memory();
    for (const [ref, oid] of refs) this.refs.set(ref, oid);
    for (const [ref, oid] of there) this.there.set(ref, oid);
    const readers = new ReadersNotice(this.clock, async () => void this.told.push([...readers.refusals.keys()].join()));
    this.worker = new MirrorWorker({
      store: this.over(store),
      journal: {
        append: async (record, options) => {
          this.records.push(record);
          this.synced.push(options?.sync);
        },
      } as Partial<Journal> as Journal,
      target: {
        label: 'the mirror',
        push: async (updates) => this.push(updates),
        refs: async () => this.listed(),
      } as Partial<MirrorTarget> as MirrorTarget,
      clock: this.clock,
      readers,
      randomness: new SeededRandomness(),
      observer: {
        enqueued: (backlog) => void this.heard.push({ what: 'enqueued', backlog }),
        succeeded: (outcome) => void this.heard.push({ what: 'succeeded', ...outcome }),
        failed: ({ code }, backlog, ms) => void this.heard.push({ what: 'failed', code, backlog, ms }),
        refused: (count) => void this.heard.push({ what: 'refused', count }),
        restored: (refs) => void this.restored.push(refs),
      },
      failpoint: (name) => void this.failpoints.push(name),
      ...more,
    });
    this.running = this.worker.run(this.stopping.signal);
  }

  /** Refs without objects: the worker asks for no more. */
  private over(store: GitStore): GitStore {
    const matches = (ref: RefName, patterns: readonly string[]): boolean =>
      patterns.some((pattern) => (pattern.endsWith('/') ? ref.startsWith(pattern) : ref === pattern));
    store.refs = async (patterns) => new Map([...this.refs].filter(([ref]) => matches(ref, patterns)));
    store.updateRefs = async (updates) => {
      for (const { ref, next } of updates) next === null ? this.refs.delete(ref) : this.refs.set(ref, next);
    };
    store.isAncestor = async (ancestor, descendant) => ancestor <= descendant;
    return store;
  }

  private async listed(): Promise<Map<RefName, Oid>> {
    this.lists++;
    const error = this.list();
    if (error !== null) throw error;
    return new Map(this.there);
  }

  private async push(updates: readonly MirrorUpdate[]): Promise<void> {
    await new Promise(setImmediate); // as a real one: a worker that never waits does not keep the test from seeing it
    this.pushes.push(updates.map(({ ref }) => ref));
    await this.before(updates.map(({ ref }) => ref));
    for (const { ref } of updates) {
      const error = this.refuse(ref);
      if (error !== null) throw error;
    }
    for (const { ref, expected } of updates) {
      if (expected !== undefined && (this.there.get(ref) ?? null) !== expected) throw REFUSED(ref);
    }
    for (const { ref, next } of updates) next === null ? this.there.delete(ref) : this.there.set(ref, next);
  }

  /** A transaction that moves these refs; gives its id. */
  accept(...refs: RefName[]): string {
    const oid = (++this.accepted).toString(16).padStart(40, '0');
    for (const ref of refs) this.refs.set(ref, oid);
    const id = `txn-${this.accepted}`;
    const updates = refs.map((ref) => ({ ref, old: null, next: oid }));
    this.worker.enqueue([{ kind: 'intent', id, term: 1, ts: formatTime(this.clock.now()), updates, events: [] }]);
    return id;
  }

  recheck(): void {
    this.worker.recheck();
  }

  isWaiting(id: string): boolean {
    return this.worker.isWaiting(id);
  }

  get status(): WorkerStatus {
    return this.worker.status();
  }

  /** Lets the worker do what it can do without time going by. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  }

  async tick(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  triesOf(ref: RefName): number {
    return this.pushes.filter((refs) => refs.includes(ref)).length;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }
}

/** What somebody else has moved. */
export const REFUSED = (ref: RefName): KvError => new KvError('SYNC_REFUSED', `${ref} has diverged`);
/** A push that is more than the mirror takes. */
export const TOO_LARGE = new KvError('GIT_ERROR', 'HTTP 413', { details: { content: true } });
/** Refs that tests move. */
export const [LEDGER, MAIN, TOPIC] = ['refs/kv/main', 'refs/heads/main', 'refs/heads/topic'];
