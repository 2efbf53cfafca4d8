import { expect } from 'chai';
import { verifyClone } from '../../../../../domain/client/verify/verify.js';
import { verifyNamespace } from '../../../../../domain/gateway/epochs/verify-adopted.js';
import { encodeCommit, stamp } from '../../../../../domain/git/commit.js';
import { archiveCommit, liveChunks, liveIndex } from '../../../../../domain/ledger/epoch.js';
import {
  type LedgerTrailers,
  renderChunksMessage,
  renderIndexMessage,
  renderLedgerMessage,
} from '../../../../../domain/ledger/transaction/attestation.js';
import type { PushedTransaction } from '../../../../../domain/verify/attestation/pairs.js';
import type { ParentState } from '../../../../../domain/verify/check-transaction.js';
import type { NewObject } from '../../../../../ports/git/git-store.js';
import type { Oid, RefName } from '../../../../../ports/vocabulary.js';
import { failure } from '../../../../support/failure.js';
import { NOW, SeededRandomness } from '../../../../support/memory/memory.js';
import { openMemoryPlace } from '../../../../support/memory/client.js';
import { NEW, TransactionBench } from '../../../../support/formats/transaction-bench.js';

const IDS = ['01KDYF0000ABCDEFGHJKMNPQR0', '01KDYF0000ABCDEFGHJKMNPQR1', '01KDYF0000ABCDEFGHJKMNPQR2'];
const IDENT = stamp('Ada <ada@example.org>', NOW);
const [LEDGER, INDEX, EPOCH] = ['refs/kv/main', 'refs/kv-index/main', 'refs/kv-epoch/main'];

describe('a namespace of two epochs, as a mirror has it', () => {
  let bench: TransactionBench;
  beforeEach(() => {
    bench = new TransactionBench();
  });

  const commit = async (tree: Oid, message: string, parents: Oid[] = [], signature: string | null = null): Promise<Oid> => {
    const object = bench.namer.object(
      'commit',
      encodeCommit({ tree, parents, author: IDENT, committer: IDENT, signature, message }, 'sha1'),
    );
    await bench.store.write([object]);
    return object.oid;
  };
  const point = async (ref: RefName, next: Oid | null): Promise<void> => {
    const old = (await bench.store.refs([ref])).get(ref) ?? null;
    if (old !== next) await bench.store.updateRefs([{ ref, old, next }], 'test');
  };
  const stateOf = ({ ledger, index, chunks }: PushedTransaction): ParentState => ({
    ...{ ledgerTree: ledger.commit.tree, indexTree: index.commit.tree, chunksTree: chunks?.commit.tree ?? null },
    ...{ epoch: '2026Q1', parentEpoch: null },
  });

  /** How the second epoch begins other than it should. */
  interface Begin {
    /** With the state that this transaction made, in place of the last one's. */
    readonly of?: PushedTransaction;
    readonly says?: Partial<LedgerTrailers>;
    readonly signature?: string | null;
    readonly chunks?: Oid;
  }

  /** Two transactions in one epoch, and the next one begun after them. */
  async function twoEpochs(begin: (first: PushedTransaction, last: PushedTransaction) => Promise<Begin> | Begin = () => ({})) {
    const { store, namer } = bench;
    const first = await bench.made([bench.set('a', '1'), await bench.setChunked('big', ['0123456789', 'abc'])], NEW, {
      txn: IDS[0] ?? '',
    });
    const last = await bench.made([bench.set('a', '2')], stateOf(first), {
      txn: IDS[1] ?? '',
      parents: { ledger: first.ledger.oid, index: first.index.oid },
    });
    const { of = last, says, signature = 'ada', chunks } = await begin(first, last);
    const tree = of.ledger.commit.tree;
    const built: NewObject[] = [];
    const indexTree = await liveIndex(store, namer, 'main', of.index.commit.tree, built);
    const live = await liveChunks(store, namer, 'main', tree, built);
    await store.write(built);
    const chunksTree = chunks ?? live;
    const ids = { ns: 'main', txn: IDS[2] ?? '' };
    const trailers: LedgerTrailers = {
      ...{ ...ids, baseTree: tree, indexTree, chunksTree, epoch: '2026Q2', keysSet: 0, keysDel: 0, parentEpoch: '2026Q1' },
      ...{ parentLedger: last.ledger.oid, repository: null, intent: null, ...says },
    };
    const root = await commit(tree, renderLedgerMessage('kv: epoch', trailers), [], signature);
    const index = await commit(indexTree, renderIndexMessage({ ...ids, ledgerTree: tree }));
    const place = { ns: 'main', label: '2026Q1', ledger: last.ledger.oid, tree: last.ledger.commit.tree, index: last.index.oid };
    const archive = archiveCommit(namer, place, IDENT);
    await store.write([archive]);
    await point(LEDGER, root);
    await point(INDEX, index);
    await point(EPOCH, root);
    await point('refs/kv-archive/main@2026Q1', archive.oid);
    await point('refs/kv-chunks/main@2026Q1', first.chunks?.oid ?? null);
    if (chunksTree !== null) await point('refs/kv-chunks/main@2026Q2', await commit(chunksTree, renderChunksMessage(ids)));
    return { first, last, root, index };
  }
  const adopt = (keysAtHand: Parameters<typeof verifyNamespace>[0]['keysAtHand'] = []): Promise<number> => {
    const { store, namer, verifier } = bench;
    return verifyNamespace({ store, namer, verifier, randomness: new SeededRandomness(), keysAtHand }, 'main');
  };
  /** What a verification in a clone finds. */
  const faults = async (): Promise<string[]> => {
    const place = await openMemoryPlace('sha1', 'wendy');
    const report = await verifyClone({ ...place.clone, store: bench.store }, bench.verifier, { ns: 'main', full: true });
    await place.close();
    return report.faults.map(({ what }) => what);
  };

  it('is adopted when all of it is sound, which a verification says too', async () => {
    await twoEpochs();
    expect(await adopt()).to.equal(3);
    expect(await faults()).to.deep.equal([]);
  });

  it('is sound from where its first epoch was compacted away', async () => {
    await twoEpochs();
    await point('refs/kv-archive/main@2026Q1', null);
    await point('refs/kv-chunks/main@2026Q1', null);
    expect(await adopt()).to.equal(1);
    expect(await faults()).to.deep.equal([]);
  });

  it('goes on with the state that the epoch before ended with', async () => {
    const { root } = await twoEpochs((first) => ({ of: first }));
    expect((await failure(adopt(), 'ATTESTATION_MISMATCH')).message).to.contain(`${root} begins epoch 2026Q2 with another state`);
    expect(await faults()).to.deep.equal(['epoch 2026Q2 begins with another state than epoch 2026Q1 ended with']);
  });

  it('goes on from the ledger that the archive holds', async () => {
    await twoEpochs((first) => ({ says: { parentLedger: first.ledger.oid } }));
    expect((await failure(adopt(), 'ATTESTATION_MISMATCH')).message).to.contain('does not hold the ledger');
    expect((await faults()).length).to.equal(1);
    const { last } = await twoEpochs();
    await point('refs/kv-archive/main@2026Q1', await commit(last.ledger.commit.tree, 'm\n', [last.ledger.oid]));
    await failure(adopt(), 'ATTESTATION_MISMATCH');
  });

  it('has its ledger, its index and its epoch ref', async () => {
    const { first, last, root, index } = await twoEpochs();
    for (const [ref, wrong, right] of [
      [LEDGER, null, root],
      [INDEX, null, index],
      [EPOCH, last.ledger.oid, root],
      [EPOCH, null, root],
      [INDEX, first.index.oid, index],
    ] as const) {
      await point(ref, wrong);
      await failure(adopt(), 'ATTESTATION_MISMATCH');
      await point(ref, right);
    }
    expect(await adopt()).to.equal(3);
  });

  it('begins its second epoch bound, signed, with all that its keys need', async () => {
    for (const says of [{ baseTree: null }, { ns: 'other' }, { indexTree: 'a'.repeat(40) }, { parentLedger: null }]) {
      await twoEpochs(() => ({ says }));
      await failure(adopt(), 'ATTESTATION_MISMATCH');
    }
    await twoEpochs(() => ({ signature: null }));
    await failure(adopt(), 'SIGNATURE_MISSING');
    bench.trusted.length = 0;
    await twoEpochs();
    const key = { kind: 'openpgp', material: 'block' } as const;
    await adopt([key]);
    expect(bench.trusted).to.deep.equal([[key], [key], [key]]);
  });

  it('has chunks in its second epoch that are what their names say, though nothing but that epoch is left', async () => {
    const swapped = async (): Promise<Begin> => {
      const manifest = await bench.manifest('big', ['0123456789', 'abc']);
      const [x, y] = manifest.chunks.map(
        ({ digest }) => `kv/main/chunks/sha256/${digest.slice(0, 2)}/${digest.slice(2, 4)}/${digest}`,
      );
      return { chunks: await bench.tree({ [x ?? '']: 'another 10', [y ?? '']: 'abc' }) };
    };
    await twoEpochs(swapped);
    await point('refs/kv-archive/main@2026Q1', null);
    const error = await failure(adopt(), 'ATTESTATION_MISMATCH');
    expect(error.message).to.contain('has digest');
    await twoEpochs(async () => ({ chunks: await bench.tree({ README: 'x' }) }));
    await point('refs/kv-archive/main@2026Q1', null);
    await failure(adopt(), 'POLICY_VIOLATION');
  });
});
