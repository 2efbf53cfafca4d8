import { expect } from 'chai';
import { holdsLock } from '../../../apps/stargate/cluster/leading-lock.js';
import { guardedMirror } from '../../../apps/stargate/leader/guarded-mirror.js';
import { MirrorWorker } from '../../../domain/gateway/mirror/worker.js';
import { formatTime } from '../../../domain/ledger/value/metadata.js';
import type { Clock } from '../../../ports/clock.js';
import type { Journal, JournalRecord } from '../../../ports/stargate/journal.js';
import { unwrap } from '../../../ports/unwrap.js';
import { thrownBy } from '../../contracts/mirror-target.js';
import { FakeHost, FakeRefs, oid } from '../domain/gateway/mirror/fake-host.js';
import { NOW, SeededRandomness } from '../../support/memory/memory.js';
import { until } from '../../support/until.js';

const UPDATE = { ref: 'refs/kv/main', next: oid(1) };

describe('the mirror as a leader sees it', () => {
  it('takes a push while nobody else can lead, and none from then on', async () => {
    const host = new FakeHost();
    let mine = true;
    const mirror = guardedMirror(host.target, async () => mine);
    await mirror.push([UPDATE]);
    mine = false;
    expect((await thrownBy(mirror.push([{ ...UPDATE, next: oid(2) }]))).code).to.equal('INTERRUPTED');
    expect(host.there.get('refs/kv/main')).to.equal(oid(1));
    expect(host.pushes).to.have.length(1);
    expect(await mirror.refs(['refs/kv/*']), 'it is still read').to.have.property('size', 1);
  });

  it('shows the breaker of what it guards', () => {
    const breaker = { state: 'open' } as const;
    const mirror = guardedMirror({ ...new FakeHost().target, extras: { breaker } }, async () => true);
    expect(unwrap(mirror, 'breaker')).to.equal(breaker);
  });

  it('is left alone by a worker whose process has not heard yet that it was deposed: ledgers, branches, and what was lost', async () => {
    const [host, refs] = [new FakeHost(), new FakeRefs()];
    host.there.set('refs/heads/topic', oid(9));
    for (const [ref, at] of [
      ['refs/kv/main', 2],
      ['refs/kv/lost', 3],
      ['refs/heads/mine', 4],
    ] as const)
      refs.refs.set(ref, oid(at));
    let asked = 0;
    const target = guardedMirror(host.target, async () => {
      asked += 1;
      return false;
    });
    const records: JournalRecord[] = [];
    const stopping = new AbortController();
    const worker = new MirrorWorker({
      ...{ store: refs.store, target, clock: REAL, randomness: new SeededRandomness() },
      journal: { append: async (record) => void records.push(record) } as Partial<Journal> as Journal,
      observer: { enqueued() {}, succeeded() {}, failed() {}, refused() {}, restored() {} },
    });
    const updates = [
      { ref: 'refs/kv/main', old: oid(1), next: oid(2) },
      { ref: 'refs/heads/topic', old: oid(9), next: null },
    ];
    worker.enqueue([{ kind: 'intent', id: '01JZZZZZZZZZZZZZZZZZZZZZZZ', term: 1, ts: formatTime(NOW), updates, events: [] }]);
    const running = worker.run(stopping.signal);
    await until('both ways and the comparison were tried', () => asked >= 3);
    stopping.abort();
    await running;
    expect(host.pushes).to.deep.equal([]);
    expect([...host.there], 'a deletion too').to.deep.equal([['refs/heads/topic', oid(9)]]);
    expect(records, 'it waits for who leads').to.deep.equal([]);
  });
});

describe('whether nobody else can lead', () => {
  const led = { ballot: null } as never;
  const lease = (held: () => boolean) => ({ term: 3, held: async () => held() }) as never;

  it('is asked of the lock, and only the term that it was won for counts', async () => {
    const state = { term: 3, leading: led } as never;
    expect(await holdsLock({ state, lease: lease(() => true) })).to.equal(true);
    expect(await holdsLock({ state, lease: lease(() => false) }), 'this server leads yet, as far as it knows').to.equal(false);
    expect(await holdsLock({ state, lease: null })).to.equal(false);
    expect(await holdsLock({ state: { term: 3, leading: null } as never, lease: lease(() => true) })).to.equal(false);
    expect(await holdsLock({ state: { term: 4, leading: led } as never, lease: lease(() => true) })).to.equal(false);
  });

  it('is no, where the lead was lost while the lock was asked', async () => {
    const member = { state: { term: 3, leading: led } as { term: number; leading: unknown } };
    const asked = lease(() => {
      member.state.leading = null;
      return true;
    });
    expect(await holdsLock({ ...member, lease: asked } as never)).to.equal(false);
  });
});

const REAL: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      const stop = (): void => {
        clearTimeout(timer);
        reject(new Error('woken'));
      };
      signal?.addEventListener('abort', stop, { once: true });
    }),
};
