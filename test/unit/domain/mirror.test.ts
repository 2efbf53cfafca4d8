import { expect } from 'chai';
import { MirrorWorker, type MirrorStatus } from '../../../domain/gateway/mirror.js';
import { planPush } from '../../../domain/gateway/mirror-plan.js';
import { MirrorQueue } from '../../../domain/gateway/mirror-queue.js';
import { retryDelay } from '../../../domain/gateway/retry-delay.js';
import { formatTime } from '../../../domain/metadata.js';
import type { Clock } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { IntentRecord, Journal, JournalRecord } from '../../../ports/journal.js';
import type { MirrorTarget, MirrorUpdate } from '../../../ports/mirror-target.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { memory, NOW, SeededRandomness } from './support.js';

/** Stands still until it is moved; a sleeper wakes when its time has come. */
class SteppedClock implements Clock {
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
class Bench {
  readonly clock = new SteppedClock();
  readonly refs = new Map<RefName, Oid>();
  /** The refs of every push that was tried. */
  readonly pushes: RefName[][] = [];
  readonly records: JournalRecord[] = [];
  refuse: (ref: RefName) => KvError | null = () => null;
  private readonly stopping = new AbortController();
  private readonly worker: MirrorWorker;
  private readonly running: Promise<void>;
  private accepted = 0;

  constructor() {
    const { store } = memory();
    this.worker = new MirrorWorker({
      store: this.over(store),
      journal: { append: async (record) => void this.records.push(record) } as Partial<Journal> as Journal,
      target: { push: async (updates) => this.push(updates) } as Partial<MirrorTarget> as MirrorTarget,
      clock: this.clock,
      randomness: new SeededRandomness(),
      observer: { enqueued: () => undefined, succeeded: () => undefined, failed: () => undefined, refused: () => undefined },
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
    return store;
  }

  private async push(updates: readonly MirrorUpdate[]): Promise<void> {
    await new Promise(setImmediate); // as a real one: a worker that never waits does not keep the test from seeing it
    this.pushes.push(updates.map(({ ref }) => ref));
    for (const { ref } of updates) {
      const error = this.refuse(ref);
      if (error !== null) throw error;
    }
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

  get status(): MirrorStatus {
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

const REFUSED = (ref: RefName): KvError => new KvError('SYNC_REFUSED', `${ref} has diverged`);
const [LEDGER, MAIN, TOPIC] = ['refs/kv/main', 'refs/heads/main', 'refs/heads/topic'];

describe('domain: the mirror worker', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.stop());

  it('confirms ledgers although a branch breaks the connection', async () => {
    bench.refuse = (ref) => (ref.startsWith('refs/heads/') ? new KvError('IO_ERROR', 'the host hung up') : null);
    await bench.settle();
    bench.accept(MAIN);
    const id = bench.accept(LEDGER);
    await bench.settle();
    expect(bench.records).to.deep.equal([{ kind: 'mirrored', id, ts: formatTime(NOW) }]);
    expect(bench.status).to.deep.include({ backlog: 1, lastSuccess: formatTime(NOW) });
    expect(bench.status.hostError).to.include({ code: 'IO_ERROR' });
    for (let n = 0; n < 5; n++) await bench.tick(60_000);
    expect([bench.triesOf(LEDGER), bench.triesOf(MAIN)]).to.deep.equal([1, 6]);
    bench.refuse = () => null;
    await bench.tick(60_000);
    expect(bench.status).to.deep.include({ backlog: 0, lastError: null, hostError: null });
  });

  it('waits between tries of a branch that breaks the connection, and pushes a ledger meanwhile', async () => {
    bench.refuse = (ref) => (ref === MAIN ? new KvError('IO_ERROR', 'the host hung up') : null);
    await bench.settle();
    bench.accept(MAIN);
    await bench.settle();
    expect([bench.triesOf(MAIN), bench.records]).to.deep.equal([1, []]);
    const id = bench.accept(LEDGER);
    await bench.settle();
    expect(bench.records).to.deep.equal([{ kind: 'mirrored', id, ts: formatTime(NOW) }]);
    expect(bench.triesOf(MAIN)).to.equal(2);
  });

  it('makes everything wait while the host is away', async () => {
    bench.refuse = () => new KvError('IO_ERROR', 'nobody answers');
    await bench.settle();
    bench.accept(LEDGER);
    await bench.settle();
    bench.accept(LEDGER);
    bench.accept(MAIN);
    await bench.settle();
    expect(bench.pushes.length).to.equal(1);
    expect(bench.status.hostError).to.include({ code: 'IO_ERROR', message: 'nobody answers' });
  });

  it('tries refused branches again when their time has come, not with every transaction', async () => {
    bench.refuse = (ref) => (ref.startsWith('refs/heads/') ? REFUSED(ref) : null);
    await bench.settle();
    bench.accept(MAIN, TOPIC);
    await bench.settle();
    const tries = (): number[] => [bench.triesOf(MAIN), bench.triesOf(TOPIC)];
    expect(tries()).to.deep.equal([2, 2]); // together, then each by itself
    for (let n = 0; n < 5; n++) {
      bench.accept(LEDGER);
      await bench.settle();
    }
    expect([bench.triesOf(LEDGER), ...tries()]).to.deep.equal([5, 2, 2]);
    bench.accept(TOPIC); // it has moved: that may go
    await bench.settle();
    expect(tries()).to.deep.equal([2, 3]);
    await bench.tick(9_999);
    expect(tries()).to.deep.equal([2, 3]);
    await bench.tick(1);
    expect(tries()).to.deep.equal([3, 4]);
  });

  it('pushes a branch that comes while a ledger is being refused', async () => {
    await bench.settle();
    bench.refuse = (ref) => {
      if (ref === LEDGER && bench.triesOf(LEDGER) === 1) bench.accept(MAIN);
      return ref === LEDGER ? REFUSED(ref) : null;
    };
    bench.accept(LEDGER);
    await bench.settle();
    expect([bench.triesOf(LEDGER), bench.triesOf(MAIN)]).to.deep.equal([1, 1]);
  });

  it('takes what is refused of one branch or namespace for no error of the host, and forgets it when it has landed', async () => {
    bench.refuse = (ref) => (ref === MAIN || ref === LEDGER ? REFUSED(ref) : null);
    await bench.settle();
    bench.accept(MAIN);
    bench.accept(LEDGER);
    bench.accept('refs/kv/other');
    await bench.settle();
    expect(bench.status).to.deep.include({ backlog: 2, hostError: null });
    expect([...bench.status.refused.keys()]).to.deep.equal(['main', MAIN]);
    expect(bench.status.lastError).to.include({ code: 'SYNC_REFUSED' });
    bench.refuse = () => null;
    await bench.tick(10_000);
    expect(bench.status).to.deep.include({ backlog: 0, lastError: null, hostError: null });
    expect(bench.status.refused.size).to.equal(0);
  });

  it('forgets the error of a branch that has landed, while nothing else goes to the mirror', async () => {
    bench.refuse = (ref) => (ref === MAIN ? REFUSED(ref) : null);
    await bench.settle();
    bench.accept(MAIN);
    await bench.settle();
    expect(bench.status.lastError).to.include({ code: 'SYNC_REFUSED' });
    bench.refuse = () => null;
    await bench.tick(10_000);
    expect(bench.status).to.deep.include({ backlog: 0, lastError: null });
  });
});

describe('domain: what waits for the mirror', () => {
  const intent = (id: string, ...refs: RefName[]): IntentRecord => ({
    ...{ kind: 'intent', id, term: 1, ts: formatTime(NOW), events: [] },
    updates: refs.map((ref) => ({ ref, old: null, next: '1'.repeat(40) })),
  });

  it('is confirmed up to the oldest that is left, and to the newest when none is', () => {
    const queue = new MirrorQueue();
    const all = [intent('a', 'refs/kv/x'), intent('b', 'refs/kv/y'), intent('c', 'refs/kv/x'), intent('d', 'refs/kv/x', MAIN)];
    expect([queue.add(all), queue.add(all), queue.size]).to.deep.equal([4, 0, 4]);
    expect(queue.takeBranches()).to.deep.equal([MAIN]);
    const first = queue.settle(queue.all, new Set(['x']));
    expect([first.done.map(({ id }) => id), first.upTo]).to.deep.equal([['a', 'c', 'd'], 'a']);
    expect([queue.has('b'), queue.has('d')]).to.deep.equal([true, false]);
    expect(queue.settle(queue.all, new Set())).to.deep.equal({ done: [], upTo: null });
    expect(queue.settle(queue.all, new Set(['y'])).upTo).to.equal('d');
  });

  it('never takes a ledger that is gone here from the mirror, nor its watermark', async () => {
    const { store } = memory();
    const queue = new MirrorQueue();
    queue.add([intent('a', LEDGER, 'refs/kv-index/main')]);
    expect(await planPush(store, queue.all, new Set(['main']))).to.deep.equal({ updates: [], watermarks: [], places: new Map() });
  });

  it('is tried again ever later, as the host asks, or after a while where somebody else has written', () => {
    const randomness = { bytes: () => Uint8Array.of(255) };
    const delay = (error: KvError, times: number): number => retryDelay(error, times, randomness);
    const away = new KvError('IO_ERROR', 'x');
    expect([1, 2, 3, 20].map((times) => delay(away, times))).to.deep.equal([250, 500, 1000, 30_000]);
    expect(retryDelay(away, 1, { bytes: () => Uint8Array.of(0) })).to.equal(125);
    expect(delay(new KvError('IO_ERROR', 'x', { details: { retryAfterMs: 1234 } }), 1)).to.equal(1234);
    expect(delay(REFUSED(MAIN), 5)).to.equal(10_000);
  });
});
