import { expect } from 'chai';
import { COMPARE_EVERY_MS } from '../../../../../domain/gateway/mirror/compare.js';
import { formatTime } from '../../../../../domain/ledger/value/metadata.js';
import { KvError } from '../../../../../ports/error.js';
import type { Oid, RefName } from '../../../../../ports/vocabulary.js';
import { NOW } from '../../../../support/memory/memory.js';
import { Bench, LEDGER, MAIN, REFUSED } from './worker-bench.js';

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
