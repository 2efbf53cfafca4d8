import { expect } from 'chai';
import { planPush } from '../../../../../domain/gateway/mirror/ledgers/plan.js';
import { MirrorQueue } from '../../../../../domain/gateway/mirror/queue.js';
import { retryDelay } from '../../../../../domain/gateway/mirror/retry-delay.js';
import { formatTime } from '../../../../../domain/ledger/value/metadata.js';
import { KvError } from '../../../../../ports/error.js';
import type { IntentRecord } from '../../../../../ports/stargate/journal.js';
import type { RefName } from '../../../../../ports/vocabulary.js';
import { memory, NOW } from '../../../../support/memory/memory.js';
import { LEDGER, MAIN, REFUSED } from './worker-bench.js';

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
