import { expect } from 'chai';
import { pushForCertain } from '../../../../../domain/client/write/linear/certain-push.js';
import type { Clone } from '../../../../../domain/client/clone/clone.js';
import { renderLedgerMessage } from '../../../../../domain/ledger/transaction/attestation.js';
import { ledgerRef, trackingRef } from '../../../../../domain/ledger/refs.js';
import { KvError } from '../../../../../ports/error.js';
import { commit } from '../../../../contracts/git-objects.js';
import { memory, TestClock } from '../../../../support/memory/memory.js';
import { stubRemotes } from '../../../../support/stub-remotes.js';

const NS = 'main';
const TXN = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const REF = ledgerRef(NS);
const broken = (): KvError => new KvError('IO_ERROR', 'the remote end hung up', { details: { sent: 'all' } });
const refused = (): KvError => new KvError('IO_ERROR', 'connection refused', { details: { sent: 'nothing' } });
const moved = (): KvError => new KvError('CAS_CONFLICT', 'moved');

/** A clone whose pushes fail one after the other, and whose Stargate then has a ledger. */
async function place(failures: readonly (KvError | null)[], there: 'nothing' | 'the commit' | 'one after it' | 'unreachable') {
  const { store } = memory();
  const trailers = { ns: NS, txn: TXN, baseTree: null, indexTree: TREE, chunksTree: null, epoch: 'a', keysSet: 1, keysDel: 0 };
  const message = renderLedgerMessage('kv: main: set 1', {
    ...trailers,
    parentEpoch: null,
    parentLedger: null,
    repository: null,
    intent: null,
  });
  const own = commit('sha1', { tree: TREE, time: 1, message: message.trimEnd() });
  const next = commit('sha1', { tree: TREE, time: 2, parents: [own.oid] });
  await store.write([own, next]);
  const pushed: (string | undefined)[] = [];
  const left = [...failures];
  const calls = stubRemotes(() => new Error('nobody asked for that'), {
    remotes: {
      async push(_remote, _updates, { turn }) {
        pushed.push(turn);
        const failure = left.shift();
        if (failure) throw failure;
      },
      async fetch() {
        if (there === 'unreachable') throw refused();
        const tip = there === 'the commit' ? own.oid : there === 'one after it' ? next.oid : null;
        const ref = trackingRef('stargate', REF);
        const old = (await store.refs([ref])).get(ref) ?? null;
        if (tip !== old) await store.updateRefs([{ ref, old, next: tip }], 'fetched');
      },
    },
    fetched: { markFetched: async () => undefined },
  });
  const here = { store, clock: new TestClock(), config: {}, remoteName: 'origin' };
  const clone = { ...calls, ...here } as unknown as Clone; // all that it uses
  const push = () => pushForCertain(clone, NS, [{ ref: REF, old: null, next: own.oid }], { atomic: true, turn: 't' });
  const failure = (): Promise<unknown> => push().catch((error: unknown) => error);
  return { push, failure, pushed, commit: own.oid };
}

describe('a push whose connection breaks', () => {
  it('before anything was sent has not landed, and is not tried again', async () => {
    const { failure, pushed } = await place([refused()], 'nothing');
    expect(await failure()).to.include({ code: 'IO_ERROR', message: 'connection refused' });
    expect(pushed).to.deep.equal(['t']);
  });

  it('afterwards is sent again as it was, without the turn that it had', async () => {
    const { push, pushed } = await place([broken(), refused(), null], 'unreachable');
    await push();
    expect(pushed).to.deep.equal(['t', undefined, undefined]);
  });

  it('has landed when the ledger goes on from it', async () => {
    for (const there of ['the commit', 'one after it'] as const) {
      const { push } = await place([broken(), moved()], there);
      await push();
    }
  });

  it('has not landed when the Stargate answers that it cannot', async () => {
    const { failure } = await place([broken(), moved()], 'nothing');
    expect(await failure()).to.include({ code: 'CAS_CONFLICT' });
  });

  it('is in doubt when the Stargate stays away, and says so by name', async () => {
    const { failure, commit: oid } = await place(Array.from({ length: 100 }, broken), 'unreachable');
    const error = await failure();
    expect(error).to.include({ code: 'IO_ERROR' });
    expect((error as KvError).details).to.include({ landed: 'unknown', commit: oid });
    expect((error as KvError).message).to.contain(`transaction ${TXN} (commit ${oid})`);
  });
});
