import { expect } from 'chai';
import { LedgerRefs } from '../../../../../domain/gateway/mirror/ledgers/ledgers.js';
import { piecesOf } from '../../../../../domain/gateway/mirror/ledgers/pieces.js';
import { MirrorQueue } from '../../../../../domain/gateway/mirror/queue.js';
import { KvError } from '../../../../../ports/error.js';
import type { IntentRecord } from '../../../../../ports/stargate/journal.js';
import type { RefUpdate } from '../../../../../ports/vocabulary.js';
import { failure } from '../../../../support/failure.js';
import { FakeHost, FakeRefs, oid, retry } from './fake-host.js';

const signal = new AbortController().signal;
const LEDGER = 'refs/kv/main';

/** An intent of these moves; `ledgers` are the transactions in it, by their numbers. */
function intent(id: number, updates: readonly RefUpdate[], ledgers: readonly number[] = [], ns = 'main'): IntentRecord {
  const events = ledgers.map((n) => ({ ns, oid: oid(n) })) as unknown as IntentRecord['events']; // what is asked of one here
  return { kind: 'intent', id: `txn-${String(id).padStart(3, '0')}`, term: 1, ts: '2026-01-02T03:04:05.678Z', updates, events };
}

const move = (ref: string, old: number | null, next: number | null): RefUpdate => ({
  ref,
  old: old === null ? null : oid(old),
  next: next === null ? null : oid(next),
});

const tooMuch = (): KvError => new KvError('GIT_ERROR', 'the pack is too large', { hint: 'h', details: { content: true } });

describe('domain: what waits of a namespace, in pieces', () => {
  const { store } = new FakeRefs();
  const queued = (...intents: IntentRecord[]) => {
    const queue = new MirrorQueue();
    queue.add(intents);
    return queue.all;
  };

  it('is a piece for each transaction, of the refs of that namespace alone', async () => {
    const batch = queued(
      intent(1, [move(LEDGER, null, 1), move('refs/kv-index/main', null, 1), move('refs/heads/x', null, 9)], [1]),
      intent(2, [move('refs/kv/team', null, 5)], [5], 'team'),
      intent(3, [move('refs/kv-policy/current', null, 7)]),
      intent(4, [move('refs/kv-archive/main@e1', null, 3)]),
    );
    const [first, , , fourth] = batch;
    expect(await piecesOf(store, batch, 'main')).to.deep.equal([
      { waiting: first, moves: [move(LEDGER, null, 1), move('refs/kv-index/main', null, 1)], ledger: oid(1), last: true },
      { waiting: fourth, moves: [move('refs/kv-archive/main@e1', null, 3)], ledger: null, last: true },
    ]);
  });

  it('has a push of several transactions in as many, with what is no chain of them in the first', async () => {
    const epoch = 'refs/kv-epoch/main';
    const batch = queued(
      intent(1, [move(LEDGER, 1, 4), move(epoch, 8, 9), move('refs/kv-archive/main@e1', 6, null)], [2, 3, 4]),
      intent(2, [move(LEDGER, 4, 6), move('refs/kv/team', null, 1)], [5, 6]),
    );
    const pieces = await piecesOf(store, batch, 'main');
    expect(pieces.map(({ moves }) => moves)).to.deep.equal([
      [move(LEDGER, 1, 2), move(epoch, 8, 9)],
      [move(LEDGER, 2, 3)],
      [move(LEDGER, 3, 4)],
      [move(LEDGER, 4, 5)],
      [move(LEDGER, 5, 6)],
    ]);
    expect(pieces.map(({ last }) => last)).to.deep.equal([false, false, true, false, true]);
    expect(pieces.map(({ ledger }) => ledger)).to.deep.equal([2, 3, 4, 5, 6].map(oid));
    expect(pieces.map(({ waiting }) => waiting)).to.deep.equal([0, 0, 0, 1, 1].map((i) => batch[i]));
  });

  it('leaves out what has landed', async () => {
    const batch = queued(intent(1, [move(LEDGER, null, 1)], [1]), intent(2, [move(LEDGER, 1, 2)], [2]));
    batch[0]?.groups.delete('main');
    expect((await piecesOf(store, batch, 'main')).map(({ ledger }) => ledger)).to.deep.equal([oid(2)]);
  });
});

describe('domain: what is too much for the mirror together', () => {
  let host: FakeHost;
  let here: FakeRefs;
  let ledgers: LedgerRefs;
  let queue: MirrorQueue;
  let context: ReturnType<typeof retry>;
  /** So many transactions the host takes in a push, and never this one. */
  let most: number;
  let never: number | null;
  beforeEach(() => {
    [host, here, queue, context] = [new FakeHost(), new FakeRefs(), new MirrorQueue(), retry()];
    ledgers = new LedgerRefs(here.store, host.target, context);
    [most, never] = [Number.POSITIVE_INFINITY, null];
    host.judge = (updates) => {
      const next = Number.parseInt(updates.find(({ ref }) => ref === LEDGER)?.next ?? '0', 16);
      const at = Number.parseInt(host.there.get(LEDGER) ?? '0', 16);
      if (next - at > most || (never !== null && at < never && next >= never)) throw tooMuch();
    };
  });

  /** Transactions from..to of the namespace, an intent each. */
  const accept = (from: number, to: number): void => {
    for (let n = from; n <= to; n++) {
      here.refs.set(LEDGER, oid(n));
      queue.add([intent(n, [move(LEDGER, n === 1 ? null : n - 1, n)], [n])]);
    }
  };
  /** One round; gives how far each push that was tried would have brought the mirror. */
  const round = async (): Promise<number[]> => {
    host.pushes.length = 0;
    const batch = queue.all;
    const { landed } = await ledgers.push(batch, signal);
    queue.settle(batch, landed);
    return host.pushes.map((updates) => Number.parseInt(updates.find(({ ref }) => ref === LEDGER)?.next ?? '0', 16));
  };
  const shown = (): number => Number.parseInt(host.there.get(LEDGER) ?? '0', 16);

  it('goes by halves until it is taken, then by twice as many, and together again in the end', async () => {
    accept(1, 9);
    most = 3;
    expect(await round()).to.deep.equal([9]); // nothing of it fits
    expect([ledgers.dueIn(queue.all), ledgers.refusals.size]).to.deep.equal([0, 1]);
    expect(await round()).to.deep.equal([5, 2]); // half of nine, then half of that
    expect([queue.size, ledgers.refusals.size]).to.deep.equal([7, 0]);
    expect(await round()).to.deep.equal([6, 4]);
    expect(await round()).to.deep.equal([8, 6]);
    most = 9;
    expect(await round()).to.deep.equal([9]);
    expect([queue.size, shown()]).to.deep.equal([0, 9]);
    accept(10, 12);
    expect(await round(), 'in one push from now on').to.deep.equal([12]);
  });

  it('that is one transaction is held by its name, with all that follow, and asked for again in its time', async () => {
    accept(1, 3);
    never = 2;
    expect(await round()).to.deep.equal([3]);
    expect(await round()).to.deep.equal([2, 1]);
    expect(await round()).to.deep.equal([3, 2]);
    const refusal = ledgers.refusals.get('main');
    expect(refusal?.error.message).to.contain(`ledger commit ${oid(2)} of namespace main, sent by itself`);
    expect(refusal?.error.details).to.deep.equal({ content: true, ledger: oid(2) });
    expect(refusal?.error.hint).to.equal('h');
    accept(4, 4); // more of it makes it no less
    expect(await round()).to.deep.equal([]);
    expect(ledgers.dueIn(queue.all)).to.equal(300_000);
    context.clock.at += 300_000;
    expect(await round()).to.deep.equal([2]);
    expect(ledgers.refusals.get('main')?.times).to.equal(2);
    never = null;
    ledgers.again();
    expect(ledgers.dueIn(queue.all)).to.equal(0);
    expect([await round(), await round()]).to.deep.equal([[2], [4]]);
    expect([shown(), ledgers.refusals.size, queue.size]).to.deep.equal([4, 0, 0]);
  });

  it('alone from the beginning is held at once', async () => {
    accept(1, 1);
    never = 1;
    expect(await round()).to.deep.equal([1]);
    expect(ledgers.refusals.get('main')?.error.details?.['ledger']).to.equal(oid(1));
  });

  it('counts what the mirror has already for nothing, though nobody has confirmed it', async () => {
    accept(1, 8);
    host.there.set(LEDGER, oid(4));
    most = 3;
    expect(await round()).to.deep.equal([8]);
    expect(await round()).to.deep.equal([6]); // half of the four that it lacks
    expect([shown(), queue.size]).to.deep.equal([6, 2]);
  });

  it('is left for what else the host says, and by what says nothing of a ref', async () => {
    accept(1, 4);
    most = 2;
    await round();
    host.judge = () => {
      throw new KvError('GIT_ERROR', 'protected', { details: { refs: [LEDGER] } });
    };
    await round();
    expect(ledgers.refusals.get('main')?.error.message).to.equal('protected');
    host.judge = () => {
      throw new KvError('IO_ERROR', 'away');
    };
    ledgers.again();
    await failure(ledgers.push(queue.all, signal), 'IO_ERROR');
  });

  it('of several namespaces goes without those that the host names', async () => {
    for (const [i, ns] of ['a', 'b', 'c'].entries()) {
      here.refs.set(`refs/kv/${ns}`, oid(1));
      queue.add([intent(i + 1, [move(`refs/kv/${ns}`, null, 1)], [1], ns)]);
    }
    host.judge = (updates) => {
      const refs = updates.map(({ ref }) => ref).filter((ref) => ref === 'refs/kv/b');
      if (refs.length > 0) throw new KvError('GIT_ERROR', 'protected', { details: { refs: [...refs, 7, 'refs/heads/x'] } });
    };
    const { landed, refused } = await ledgers.push(queue.all, signal);
    expect([...landed].sort()).to.deep.equal(['a', 'c']);
    expect(refused.map(({ error }) => error.message)).to.deep.equal(['protected']);
    const names = host.pushes.map((updates) =>
      updates
        .map(({ ref }) => ref)
        .filter((ref) => /^refs\/kv\//.test(ref))
        .join(),
    );
    expect(names).to.deep.equal(['refs/kv/a,refs/kv/b,refs/kv/c', 'refs/kv/a,refs/kv/c', 'refs/kv/b']);
    expect((await ledgers.push(queue.all, signal)).refused, 'not refused anew').to.deep.equal([]);
  });
});
