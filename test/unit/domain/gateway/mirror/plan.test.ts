import { expect } from 'chai';
import { moveWatermarks, planMoves, planPush } from '../../../../../domain/gateway/mirror/ledgers/plan.js';
import { MirrorQueue } from '../../../../../domain/gateway/mirror/queue.js';
import { retryDelay } from '../../../../../domain/gateway/mirror/retry-delay.js';
import { KvError } from '../../../../../ports/error.js';
import type { GitStore } from '../../../../../ports/git/git-store.js';
import type { RefUpdate } from '../../../../../ports/vocabulary.js';
import { SeededRandomness } from '../../../../support/memory/memory.js';
import { FakeRefs, oid } from './fake-host.js';

const [LEDGER, INDEX, EPOCH, MARK] = ['refs/kv/main', 'refs/kv-index/main', 'refs/kv-epoch/main', 'refs/kv-mirror/main'] as const;
const move = (ref: string, old: number | null, next: number): RefUpdate => ({
  ref,
  old: old === null ? null : oid(old),
  next: oid(next),
});

describe('domain: the plan of a push to the mirror', () => {
  let here: FakeRefs;
  beforeEach(() => {
    here = new FakeRefs();
    here.refs.set(LEDGER, oid(6)).set(INDEX, oid(6)).set(EPOCH, oid(9)).set(MARK, oid(3));
  });

  it('goes forward to where the refs are now, with the watermark last', async () => {
    const plan = await planMoves(here.store, [move(LEDGER, 3, 4), move(INDEX, 3, 4), move(LEDGER, 4, 5)]);
    expect(plan.updates).to.deep.equal([
      { ref: LEDGER, next: oid(6) },
      { ref: INDEX, next: oid(6) },
      { ref: MARK, next: oid(6) },
    ]);
    expect(plan.watermarks).to.deep.equal([move(MARK, 3, 6)]);
    expect(plan.places.size).to.equal(0);
  });

  it('goes no further than the moves where it is told so', async () => {
    const { updates, watermarks } = await planMoves(here.store, [move(LEDGER, 3, 4), move(LEDGER, 4, 5)], true);
    expect(updates).to.deep.equal([
      { ref: LEDGER, next: oid(5) },
      { ref: MARK, next: oid(5) },
    ]);
    expect(watermarks).to.deep.equal([move(MARK, 3, 5)]);
  });

  it('takes a new epoch by leases, from where the first of the moves has left the mirror', async () => {
    const moves = [
      move(LEDGER, 3, 4),
      move(INDEX, 3, 4),
      move(LEDGER, 4, 6),
      move(INDEX, 4, 6),
      move(EPOCH, 8, 9),
      move('refs/kv/team', 1, 2),
    ];
    here.refs.set('refs/kv/team', oid(2)).set('refs/kv-mirror/team', oid(2));
    const { updates, watermarks, places } = await planMoves(here.store, moves);
    expect(updates).to.deep.equal([
      { ref: LEDGER, next: oid(6), expected: oid(3) },
      { ref: INDEX, next: oid(6), expected: oid(3) },
      { ref: EPOCH, next: oid(9), expected: oid(8) },
      { ref: 'refs/kv/team', next: oid(2) },
      { ref: MARK, next: oid(6), expected: oid(3) },
      { ref: 'refs/kv-mirror/team', next: oid(2) },
    ]);
    expect(watermarks, 'that of the other namespace is there').to.deep.equal([move(MARK, 3, 6)]);
    const been = [...places].map(([ref, at]) => [ref, [...at].sort()]);
    expect(been).to.deep.equal([
      [LEDGER, [3, 4, 6].map(oid)],
      [INDEX, [3, 4, 6].map(oid)],
      [EPOCH, [8, 9].map(oid)],
      [MARK, [3, 4, 6].map(oid)],
    ]);
  });

  it('takes the first epoch of a namespace as what it is: new', async () => {
    here.refs.delete(MARK);
    const { updates, places } = await planMoves(here.store, [move(LEDGER, null, 6), move(EPOCH, null, 9)]);
    expect(updates).to.deep.equal([
      { ref: LEDGER, next: oid(6) },
      { ref: EPOCH, next: oid(9) },
      { ref: MARK, next: oid(6) },
    ]);
    expect(places.size).to.equal(0);
  });

  it('leaves a namespace alone whose ledger is gone here, and what waits of others and of branches', async () => {
    here.refs.delete(LEDGER);
    here.refs.set('refs/kv/team', oid(1));
    const queue = new MirrorQueue();
    const updates = [move(LEDGER, 3, 4), move(INDEX, 3, 4), move('refs/kv/team', null, 1), move('refs/heads/x', null, 1)];
    queue.add([{ kind: 'intent', id: '1', term: 1, ts: '', updates, events: [] }]);
    expect((await planPush(here.store, queue.all, new Set(['main', 'team']))).updates).to.deep.equal([
      { ref: 'refs/kv/team', next: oid(1) },
      { ref: 'refs/kv-mirror/team', next: oid(1) },
    ]);
    expect((await planPush(here.store, queue.all, new Set(['team']))).updates).to.have.length(2);
    queue.all[0]?.groups.delete('team');
    expect((await planPush(here.store, queue.all, new Set(['main', 'team']))).updates).to.deep.equal([]);
  });

  it('moves no watermark where none is to be moved', async () => {
    const store = { updateRefs: () => Promise.reject(new Error('asked for nothing')) } as Partial<GitStore> as GitStore;
    await moveWatermarks(store, []);
  });

  it('waits as long as a host asks for, where that is a time', () => {
    const delayFor = (retryAfterMs: unknown): number =>
      retryDelay(new KvError('IO_ERROR', 'later', { details: { retryAfterMs } }), 1, new SeededRandomness());
    expect(delayFor(1)).to.equal(1);
    for (const none of [0, -5, '5', undefined]) expect(delayFor(none), String(none)).to.be.within(125, 250);
  });
});
