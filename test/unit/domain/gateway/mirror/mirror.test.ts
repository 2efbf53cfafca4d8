import { expect } from 'chai';
import { formatTime } from '../../../../../domain/ledger/value/metadata.js';
import { KvError } from '../../../../../ports/error.js';
import { NOW } from '../../../../support/memory/memory.js';
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
