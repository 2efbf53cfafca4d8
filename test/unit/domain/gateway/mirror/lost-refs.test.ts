import { expect } from 'chai';
import { COMPARE_EVERY_MS, LostRefs } from '../../../../../domain/gateway/mirror/compare.js';
import { KvError } from '../../../../../ports/error.js';
import { failure } from '../../../../support/failure.js';
import { FakeHost, FakeRefs, oid, retry } from './fake-host.js';

const NOBODY = () => new Set<string>();
const signal = new AbortController().signal;

describe('domain: refs that the mirror has lost, one comparison', () => {
  let host: FakeHost;
  let here: FakeRefs;
  let lost: LostRefs;
  beforeEach(() => {
    host = new FakeHost();
    here = new FakeRefs();
    lost = new LostRefs(here.store, host.target, retry());
  });

  it('come back in pushes that a command line has room for', async () => {
    here.refs.set('refs/kv/main', oid(1));
    for (let n = 0; n < 999; n++) here.refs.set(`refs/kv-archive/main@e${n}`, oid(1));
    expect((await lost.restore(NOBODY, signal)).refs).to.equal(1001); // with the watermark
    expect(host.pushes.map(({ length }) => length)).to.deep.equal([500, 500, 1]);
    expect(host.pushes.at(-1)).to.deep.equal([{ ref: 'refs/kv-mirror/main', next: oid(1), expected: null }]);
    expect(lost.missing).to.equal(0);
  });

  it('are 500 in one push', async () => {
    for (let n = 0; n < 500; n++) here.refs.set(`refs/kv-archive/main@e${n}`, oid(1));
    await lost.restore(NOBODY, signal);
    expect(host.pushes.map(({ length }) => length)).to.deep.equal([500]);
  });

  it('move the own watermark where it is not at the ledger, and leave it alone otherwise', async () => {
    here.refs.set('refs/kv/main', oid(2)).set('refs/kv-mirror/main', oid(1));
    here.refs.set('refs/kv/team', oid(3)).set('refs/kv-mirror/team', oid(3));
    here.refs.set('refs/kv/new', oid(4));
    here.refs.set('refs/kv-policy/current', oid(5)); // of no namespace
    here.refs.set('refs/kv-archive/gone@e1', oid(6)); // of one without a ledger
    await lost.restore(NOBODY, signal);
    expect(here.moved).to.deep.equal(['refs/kv-mirror/main', 'refs/kv-mirror/new']);
    expect(here.refs.get('refs/kv-mirror/main')).to.equal(oid(2));
    expect(host.there.get('refs/kv-policy/current')).to.equal(oid(5));
  });

  it('of a namespace that moves meanwhile are looked at again soon, and of the others in their time', async () => {
    here.refs.set('refs/kv/main', oid(1)).set('refs/kv/team', oid(1)).set('refs/heads/x', oid(1));
    let looks = 0;
    here.look = () => {
      if (++looks === 2) here.refs.set('refs/kv/main', oid(2)).set('refs/heads/x', oid(2));
    };
    const { branches } = await lost.restore(NOBODY, signal);
    expect([host.there.has('refs/kv/main'), host.there.get('refs/kv/team')]).to.deep.equal([false, oid(1)]);
    expect(branches).to.deep.equal(['refs/heads/x']);
    expect(lost.dueIn).to.equal(10_000);
    lost.soon();
    expect(lost.dueIn).to.equal(0);
    await lost.restore(NOBODY, signal);
    expect(host.there.get('refs/kv/main')).to.equal(oid(2));
    expect(lost.dueIn).to.equal(COMPARE_EVERY_MS);
  });

  it('that vanish meanwhile are no loss', async () => {
    here.refs.set('refs/kv/main', oid(1)).set('refs/kv-archive/main@a', oid(1));
    let looks = 0;
    here.look = () => void (++looks === 2 && here.refs.delete('refs/kv-archive/main@a'));
    await lost.restore(NOBODY, signal);
    expect(host.pushes).to.deep.equal([]); // half of a transaction may be here
  });

  it('are named where somebody has put others in their place, with what to do', async () => {
    here.refs.set('refs/kv/main', oid(1)).set('refs/kv-index/main', oid(1));
    host.there.set('refs/kv/main', oid(9)).set('refs/kv-index/main', oid(9));
    const { refused } = await lost.restore(NOBODY, signal);
    expect(refused.map(({ error }) => [error.code, error.details, error.advice])).to.deep.equal([
      ['SYNC_REFUSED', { refs: ['refs/kv/main', 'refs/kv-index/main'] }, { id: 'compare-sides' }],
    ]);
    expect([...lost.refusals.keys(), lost.missing, host.pushes.length]).to.deep.equal(['main', 3, 0]);
    await lost.restore(NOBODY, signal);
    expect(lost.refusals.get('main')?.times).to.equal(2);
  });

  for (const code of ['IO_ERROR', 'INTERRUPTED'] as const)
    it(`end the comparison with ${code}, which says nothing of a ref`, async () => {
      here.refs.set('refs/kv/main', oid(1));
      host.judge = () => {
        throw new KvError(code, 'the host is away');
      };
      await failure(lost.restore(NOBODY, signal), code);
      expect([lost.failure?.error.code, lost.refusals.size]).to.deep.equal([code, 0]);
    });

  it('end the comparison with what is no refusal at all', async () => {
    here.refs.set('refs/kv/main', oid(1));
    host.judge = () => {
      throw new TypeError('a mistake');
    };
    const thrown: unknown = await lost.restore(NOBODY, signal).catch((error: unknown) => error);
    expect(thrown).to.be.instanceOf(TypeError);
    expect(lost.refusals.size).to.equal(0);
  });
});
