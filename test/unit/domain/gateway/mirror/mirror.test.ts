import { expect } from 'chai';
import { COMPARE_EVERY_MS } from '../../../../../domain/gateway/mirror/compare.js';
import { planPush } from '../../../../../domain/gateway/mirror/ledgers/plan.js';
import { MirrorQueue } from '../../../../../domain/gateway/mirror/queue.js';
import { retryDelay } from '../../../../../domain/gateway/mirror/retry-delay.js';
import { formatTime } from '../../../../../domain/ledger/value/metadata.js';
import { KvError } from '../../../../../ports/error.js';
import type { IntentRecord } from '../../../../../ports/stargate/journal.js';
import type { Oid, RefName } from '../../../../../ports/vocabulary.js';
import { memory, NOW } from '../../../../support/memory/memory.js';
import { Bench, LEDGER, MAIN, REFUSED, TOO_LARGE, TOPIC } from './worker-bench.js';

describe('domain: the mirror worker', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.stop());

  it('tells readers of a namespace that is refused for long, and that it is taken again although more of it waits', async () => {
    bench.refuse = (ref) => (ref === LEDGER ? REFUSED(ref) : ref === MAIN ? TOO_LARGE : null);
    await bench.settle();
    bench.accept(LEDGER, 'refs/kv-index/main');
    bench.accept('refs/kv/other');
    bench.accept(MAIN); // branches are no namespaces
    await bench.settle();
    for (let s = 0; s < 29; s++) await bench.tick(1000);
    expect(bench.told).to.deep.equal([]);
    await bench.tick(1000);
    expect(bench.told).to.deep.equal(['main']);
    for (let s = 0; s < 60; s++) await bench.tick(1000);
    expect(bench.told).to.deep.equal(['main']);
    bench.refuse = () => null;
    // Somebody writes all the time.
    let writes = 0;
    bench.before = async (refs) => {
      if (refs.includes(LEDGER) && writes++ < 1000) bench.accept(LEDGER);
    };
    await bench.tick(10_000);
    expect([bench.told, writes < 1000 && bench.status.backlog > 0]).to.deep.equal([['main', ''], true]);
    bench.before = () => undefined;
  });

  it('confirms ledgers although a branch breaks the connection', async () => {
    bench.refuse = (ref) => (ref.startsWith('refs/heads/') ? new KvError('IO_ERROR', 'the host hung up') : null);
    await bench.settle();
    bench.accept(MAIN);
    const id = bench.accept(LEDGER);
    await bench.settle();
    expect(bench.records.at(-1)).to.deep.equal({ kind: 'mirrored', id, ts: formatTime(NOW) });
    expect(bench.status).to.deep.include({ backlog: 1, lastSuccess: formatTime(NOW), hostError: null });
    expect(bench.status.refused.get(MAIN)).to.include({ code: 'IO_ERROR' });
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
    expect(bench.triesOf(MAIN)).to.equal(1);
    const id = bench.accept(LEDGER);
    await bench.settle();
    expect(bench.records.at(-1)).to.deep.equal({ kind: 'mirrored', id, ts: formatTime(NOW) });
    expect(bench.triesOf(MAIN)).to.equal(1);
    await bench.tick(250);
    expect(bench.triesOf(MAIN)).to.equal(2);
  });

  it('pushes a ledger while a branch is on its way, and knows the branch again that has moved meanwhile', async () => {
    let arrive: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    await bench.settle();
    bench.before = (refs) => (refs.includes(MAIN) ? slow : undefined);
    bench.accept(MAIN);
    await bench.settle();
    bench.accept(LEDGER);
    await bench.settle();
    expect([bench.there.has(LEDGER), bench.there.has(MAIN)]).to.deep.equal([true, false]);
    bench.accept(MAIN);
    arrive();
    await bench.settle();
    expect([bench.there.get(MAIN), bench.triesOf(MAIN)]).to.deep.equal([bench.refs.get(MAIN), 2]);
    expect(bench.status.backlog).to.equal(0);
  });

  it('sends a branch that is refused for what it is once an hour, and at once when it has moved', async () => {
    bench.refuse = (ref) => (ref === MAIN ? TOO_LARGE : null);
    await bench.settle();
    bench.accept(MAIN);
    await bench.settle();
    for (let minutes = 1; minutes < 60; minutes++) await bench.tick(60_000);
    expect(bench.triesOf(MAIN)).to.equal(1);
    await bench.tick(60_000);
    expect(bench.triesOf(MAIN)).to.equal(2);
    bench.refuse = () => null;
    bench.accept(MAIN);
    await bench.settle();
    expect([bench.triesOf(MAIN), bench.status.backlog]).to.deep.equal([3, 0]);
  });

  it('sends a namespace that is refused for what it is with its next transaction, others meanwhile', async () => {
    bench.refuse = (ref) => (ref === LEDGER ? TOO_LARGE : null);
    await bench.settle();
    bench.accept(LEDGER);
    await bench.settle();
    bench.accept('refs/kv/other');
    await bench.tick(60_000);
    expect([bench.triesOf(LEDGER), bench.there.has('refs/kv/other'), bench.status.hostError]).to.deep.equal([1, true, null]);
    await bench.tick(240_000);
    bench.accept(LEDGER);
    await bench.settle();
    expect(bench.triesOf(LEDGER)).to.equal(2);
    bench.accept(LEDGER); // too soon after the last try
    await bench.tick(299_999);
    expect(bench.triesOf(LEDGER)).to.equal(2);
    await bench.tick(1);
    expect(bench.triesOf(LEDGER)).to.equal(3);
    bench.refuse = () => null;
    bench.recheck(); // as an admin does who has mended the host
    await bench.settle();
    expect([bench.status.backlog, bench.status.refused.size]).to.deep.equal([0, 0]);
  });

  it('lets the next push wait for as long as the last one took once several were accepted meanwhile, and not for one', async () => {
    const meanwhile = [1, 4];
    bench.before = async () => {
      bench.clock.advance(300);
      for (let left = meanwhile.shift() ?? 0; left > 0; left--) bench.accept(LEDGER);
    };
    bench.accept(LEDGER);
    await bench.settle();
    expect(bench.pushes, 'one, at once').to.have.length(2);
    await bench.tick(299);
    expect(bench.pushes, 'four wait').to.have.length(2);
    await bench.tick(1);
    expect(bench.pushes, 'together').to.have.length(3);
  });

  it('makes everything wait while the host is away', async () => {
    bench.refuse = () => new KvError('IO_ERROR', 'nobody answers');
    bench.list = () => new KvError('IO_ERROR', 'nobody answers');
    await bench.settle();
    bench.accept(LEDGER);
    await bench.settle();
    bench.accept(LEDGER);
    bench.accept(MAIN);
    await bench.settle();
    bench.accept(MAIN);
    await bench.settle();
    expect([bench.pushes.length, bench.triesOf(LEDGER), bench.triesOf(MAIN)]).to.deep.equal([2, 1, 1]);
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

describe('domain: what the mirror has lost', () => {
  const oid = (n: number): Oid => n.toString(16).padStart(40, '0');
  const NS = ['refs/kv', 'refs/kv-index', 'refs/kv-epoch', 'refs/kv-mirror'];
  const namespace = (ns: string): [RefName, Oid][] => [
    ...NS.map((folder): [RefName, Oid] => [`${folder}/${ns}`, oid(5)]),
    ...['chunks', 'archive', 'watchlog', 'compacted'].map((family): [RefName, Oid] => [`refs/kv-${family}/${ns}@old`, oid(5)]),
  ];
  const ALL = [...namespace('main'), ...namespace('shop'), ['refs/kv-policy/current', oid(5)] as [RefName, Oid]];
  const without = (...lost: RefName[]): [RefName, Oid][] => ALL.filter(([ref]) => !lost.includes(ref));
  let bench: Bench;
  const open = async (there: readonly (readonly [RefName, Oid])[], prepare?: (bench: Bench) => void): Promise<void> => {
    bench = new Bench(ALL, there);
    prepare?.(bench);
    await bench.settle();
  };
  const whole = (): void => void expect([...bench.there].sort()).to.deep.equal([...bench.refs].sort());
  afterEach(() => bench.stop());

  it('comes back when the worker starts, each namespace in one push, with its watermark last', async () => {
    await open([]);
    whole();
    expect(bench.pushes.map((refs) => refs.length).sort()).to.deep.equal([1, 8, 8]);
    for (const refs of bench.pushes.filter(({ length }) => length > 1)) expect(refs.at(-1)).to.match(/^refs\/kv-mirror\//);
    expect([bench.restored, bench.status.missing, bench.status.lastError]).to.deep.equal([[17], 0, null]);
  });

  it('comes back at each comparison, branches and tags too, and one ref of a namespace by itself', async () => {
    await open(ALL);
    bench.accept(MAIN, 'refs/tags/v1');
    await bench.settle();
    for (const ref of ['refs/kv-epoch/main', 'refs/kv-chunks/shop@old', MAIN, 'refs/tags/v1']) bench.there.delete(ref);
    const pushed = bench.pushes.length;
    await bench.tick(COMPARE_EVERY_MS - 1);
    expect([bench.pushes.length, bench.lists]).to.deep.equal([pushed, 1]);
    await bench.tick(1);
    whole();
    expect(bench.pushes.slice(pushed)).to.deep.equal([
      ['refs/kv-chunks/shop@old'],
      ['refs/kv-epoch/main'],
      [MAIN, 'refs/tags/v1'],
    ]);
    await bench.tick(COMPARE_EVERY_MS);
    expect([bench.pushes.length, bench.lists, bench.restored]).to.deep.equal([pushed + 3, 3, [2]]);
  });

  it('goes on from an older state, and leaves what has diverged as it is, with its namespace, until that is put right', async () => {
    const older = ALL.map(([ref]): [RefName, Oid] => [ref, oid(ref === 'refs/kv-index/shop' ? 9 : 2)]);
    await open(older);
    expect(bench.there.get('refs/kv/main')).to.equal(oid(5));
    expect([bench.there.get('refs/kv/shop'), bench.there.get('refs/kv-index/shop')]).to.deep.equal([oid(2), oid(9)]);
    expect([[...bench.status.refused.keys()], bench.status.missing]).to.deep.equal([['shop'], 8]);
    expect(bench.status.lastError).to.include({ code: 'SYNC_REFUSED' });
    expect(bench.status.lastError?.message).to.match(/^the mirror: refs\/kv-index\/shop \([^,]*$/);
    bench.there.set('refs/kv-index/shop', oid(3));
    await bench.tick(10_000);
    whole();
    expect([bench.status.refused.size, bench.status.missing, bench.status.lastError]).to.deep.equal([0, 0, null]);
  });

  it('is asked for again when the host was away, and holds no ledger up', async () => {
    await open([], (one) => {
      one.list = () => new KvError('IO_ERROR', 'nobody answers');
    });
    expect([bench.lists, bench.status.hostError]).to.deep.equal([1, null]);
    expect(bench.status.lastError).to.include({ code: 'IO_ERROR', message: 'nobody answers' });
    const id = bench.accept(LEDGER);
    await bench.settle();
    expect(bench.records).to.deep.equal([{ kind: 'mirrored', id, ts: formatTime(NOW) }]);
    expect([bench.lists, bench.there.has('refs/kv-epoch/main')]).to.deep.equal([1, false]);
    bench.list = () => null;
    await bench.tick(250);
    whole();
    expect([bench.status.lastError, bench.status.missing]).to.deep.equal([null, 0]);
  });

  it('is left to the queue where something waits, and looked at again', async () => {
    await open(without('refs/kv-epoch/main', 'refs/kv-epoch/shop'), (one) => {
      one.refuse = (ref) => (ref === LEDGER ? REFUSED(ref) : null);
      one.accept(LEDGER);
    });
    expect([bench.triesOf('refs/kv-epoch/main'), bench.triesOf('refs/kv-epoch/shop')]).to.deep.equal([0, 1]);
    bench.refuse = () => null;
    await bench.tick(10_000);
    await bench.tick(10_000);
    whole();
  });

  it('is not overwritten where somebody makes it anew meanwhile', async () => {
    await open(without('refs/kv/shop'), (one) => {
      one.refuse = () => {
        one.there.set('refs/kv/shop', oid(9));
        return null;
      };
    });
    expect([bench.there.get('refs/kv/shop'), [...bench.status.refused.keys()]]).to.deep.equal([oid(9), ['shop']]);
  });

  it('is looked for after a refusal, once', async () => {
    await open(ALL);
    bench.there.delete('refs/kv-epoch/shop');
    bench.refuse = (ref) => (ref === LEDGER ? REFUSED(ref) : null);
    bench.accept(LEDGER);
    await bench.settle();
    expect([bench.there.has('refs/kv-epoch/shop'), bench.lists]).to.deep.equal([true, 2]);
  });

  it('is counted by status while the mirror does not take it', async () => {
    await open(without('refs/kv-epoch/main', 'refs/kv-chunks/main@old'), (one) => {
      one.refuse = () => new KvError('IO_ERROR', 'the host hung up');
    });
    expect(bench.status).to.deep.include({ backlog: 0, missing: 2 });
    expect(bench.status.lastError).to.include({ code: 'IO_ERROR' });
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
