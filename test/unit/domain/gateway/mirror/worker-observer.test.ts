import { expect } from 'chai';
import type { MirrorContext } from '../../../../../domain/gateway/mirror/context.js';
import { ReadersNotice } from '../../../../../domain/gateway/mirror/readers-notice.js';
import { formatTime } from '../../../../../domain/ledger/value/metadata.js';
import { KvError } from '../../../../../ports/error.js';
import { NOW } from '../../../../support/memory/memory.js';
import { Bench, type Heard, LEDGER, MAIN, REFUSED, SteppedClock, TOO_LARGE } from './worker-bench.js';

const AWAY = new KvError('IO_ERROR', 'nobody answers');
const MINUTES = 60_000;

describe('domain: what the mirror worker tells of itself', () => {
  let bench: Bench;
  async function open(more: Partial<MirrorContext> = {}): Promise<void> {
    bench = new Bench([], [], more);
    await bench.settle();
    bench.heard.length = 0;
  }
  afterEach(() => bench.stop());
  const heard = (what: Heard['what']): Heard[] => bench.heard.filter((one) => one.what === what);

  it('what waits, what has landed, how late, and how long that took', async () => {
    await open();
    bench.before = async () => bench.clock.advance(40);
    const id = bench.accept(LEDGER);
    expect([bench.isWaiting(id), bench.isWaiting('another')]).to.deep.equal([true, false]);
    await bench.settle();
    expect(bench.heard.filter(({ what }) => what !== 'refused')).to.deep.equal([
      { what: 'enqueued', backlog: 1 },
      { what: 'succeeded', transactions: 1, backlog: 0, lagMs: 40, tookMs: 40 },
    ]);
    expect(bench.isWaiting(id)).to.equal(false);
    expect(bench.status.lastSuccess).to.equal(formatTime(NOW + 40));
    expect([bench.records, bench.synced]).to.deep.equal([[{ kind: 'mirrored', id, ts: formatTime(NOW + 40) }], [false]]);
    expect(bench.failpoints).to.deep.equal(['mirror-push', 'mirror-pushed']);
  });

  it('a host that is away, with when it tries again, ever later', async () => {
    await open();
    bench.refuse = () => AWAY;
    bench.accept(LEDGER);
    await bench.settle();
    const delays: number[] = [];
    for (let times = 1; times <= 4; times++) {
      const failed = heard('failed').at(-1);
      expect(failed).to.deep.include({ code: 'IO_ERROR', backlog: 1 });
      const ms = Number(failed?.['ms']);
      expect(ms).to.be.within((250 * 2 ** (times - 1)) / 2, 250 * 2 ** (times - 1));
      delays.push(ms);
      await bench.tick(ms);
    }
    expect(heard('failed')).to.have.length(5);
    bench.refuse = () => null;
    await bench.tick(MINUTES);
    expect([heard('succeeded').length, bench.status.hostError, bench.status.lastError]).to.deep.equal([1, null, null]);
    bench.refuse = () => AWAY;
    bench.accept(LEDGER);
    await bench.settle();
    expect(heard('failed').at(-1)?.['ms'], 'the first again').to.be.at.most(250);
  });

  it('what is refused, how many, and for how long that stays so', async () => {
    await open();
    bench.refuse = (ref) => (ref === LEDGER ? TOO_LARGE : ref === MAIN ? REFUSED(ref) : null);
    bench.accept(LEDGER);
    await bench.settle();
    expect(heard('failed')).to.deep.equal([{ what: 'failed', code: 'GIT_ERROR', backlog: 1, ms: 3_600_000 }]);
    expect(heard('refused').at(-1)).to.deep.equal({ what: 'refused', count: 1 });
    bench.clock.advance(1);
    bench.accept(MAIN);
    await bench.settle();
    expect(heard('refused').at(-1)).to.deep.equal({ what: 'refused', count: 2 });
    expect(heard('failed').at(-1)).to.deep.include({ code: 'SYNC_REFUSED' });
    const { lastError, hostError } = bench.status;
    expect([lastError?.code, hostError]).to.deep.equal(['SYNC_REFUSED', null]);
    bench.refuse = (ref) => (ref === LEDGER ? TOO_LARGE : null);
    await bench.tick(10_000);
    expect(heard('refused').at(-1)).to.deep.equal({ what: 'refused', count: 1 });
    expect(bench.status.lastError?.code, 'the older one is left').to.equal('GIT_ERROR');
  });

  it('nothing of what its end has cut off', async () => {
    await open();
    let cut: (error: KvError) => void = () => undefined;
    bench.before = () => new Promise((_, reject) => (cut = reject));
    bench.accept(LEDGER);
    await bench.settle();
    const stopped = bench.stop();
    cut(AWAY);
    await stopped;
    expect(heard('failed')).to.deep.equal([]);
  });

  it('a comparison that fails, and what readers could not be told', async () => {
    await open();
    bench.list = () => AWAY;
    bench.recheck();
    await bench.settle();
    expect(heard('failed')).to.have.length(1);
    expect(heard('failed')[0]).to.deep.include({ code: 'IO_ERROR', backlog: 0 });
    await bench.stop();
    const clock = new SteppedClock();
    const readers = new ReadersNotice(clock, () => Promise.reject(new KvError('STORAGE_FULL', 'no room')), 0);
    await open({ clock, readers });
    bench.refuse = (ref) => (ref === LEDGER ? REFUSED(ref) : null);
    bench.accept(LEDGER);
    await bench.settle();
    expect(heard('failed').map(({ code, ms }) => [code, ms])).to.deep.include(['STORAGE_FULL', 30_000]);
  });

  it('that it could not see whether the mirror is ahead, unless that is told by what meets it too', async () => {
    let thrown: KvError | null = null;
    let looks = 0;
    let dueIn = Number.POSITIVE_INFINITY;
    const standing = {
      behind: new Map<string, KvError>(),
      get dueIn() {
        return dueIn;
      },
      async look() {
        looks += 1;
        dueIn = MINUTES;
        if (thrown !== null) throw thrown;
      },
    };
    await open({ standing });
    const before = looks;
    expect(before, 'at the start').to.be.greaterThan(0);
    dueIn = 0;
    bench.accept(LEDGER);
    await bench.settle();
    expect(looks - before, 'when it is due').to.equal(1);
    thrown = AWAY;
    dueIn = 0;
    bench.accept(LEDGER);
    await bench.settle();
    expect([looks - before, heard('failed')]).to.deep.equal([2, []]);
    thrown = new KvError('GIT_ERROR', 'no mirror of ours');
    dueIn = 0;
    bench.accept(LEDGER);
    await bench.settle();
    expect(heard('failed')).to.deep.equal([{ what: 'failed', code: 'GIT_ERROR', backlog: 0, ms: 0 }]);
    standing.behind.set('main', new KvError('BEHIND_MIRROR', 'ahead'));
    expect([...bench.status.behind]).to.deep.equal([['main', 'ahead']]);
  });
});
