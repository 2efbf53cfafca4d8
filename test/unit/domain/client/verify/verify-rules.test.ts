import { expect } from 'chai';
import type { GitMemoryStore } from '../../../../../adapters/git-memory/open.js';
import { utf8 } from '../../../../../domain/git/bytes.js';
import { encodeCommit } from '../../../../../domain/git/commit.js';
import type { ObjectNamer } from '../../../../../domain/git/object.js';
import { MODE_FILE } from '../../../../../domain/git/tree/tree.js';
import { type FileEdit, PathEdits, seal } from '../../../../../domain/git/tree/tree-draft.js';
import { parseIndexMessage, parseLedgerMessage } from '../../../../../domain/ledger/transaction/attestation.js';
import { formatTime, type Metadata } from '../../../../../domain/ledger/value/metadata.js';
import { pathsOf, placeOf } from '../../../../../domain/ledger/paths.js';
import { type Base, buildTransaction, type Operation } from '../../../../../domain/ledger/transaction/transaction.js';
import { type Emit, type Fault, throwFault } from '../../../../../domain/verify/fault.js';
import { checkIndexStep } from '../../../../../domain/verify/index/index-step.js';
import { ledgerChanges } from '../../../../../domain/verify/keys/ledger-changes.js';
import { pairPresent, type PushedTransaction, type Transaction } from '../../../../../domain/verify/attestation/pairs.js';
import { checkTransaction, type ParentState } from '../../../../../domain/verify/check-transaction.js';
import type { KvError } from '../../../../../ports/error.js';
import type { NewObject } from '../../../../../ports/git/git-store.js';
import type { Oid } from '../../../../../ports/vocabulary.js';
import { memory, NOW, SeededRandomness } from '../../../../support/memory/memory.js';

const NS = 'main';
const TXN = '01KDYF0000ABCDEFGHJKMNPQRS';
const NEW: ParentState = { ledgerTree: null, indexTree: null, chunksTree: null, epoch: null, parentEpoch: null };

class Ledger {
  readonly store: GitMemoryStore;
  readonly namer: ObjectNamer;

  constructor() {
    ({ store: this.store, namer: this.namer } = memory());
  }

  set(key: string, value: string, etag = `blake3:${this.namer.hasher.hex('blake3', utf8(value))}`): Operation {
    const meta: Metadata = {
      ...{ ctype: 'text/plain', ttl: null, etag, txn: TXN },
      ...{ createdBy: 'ada@example.org', createdAt: formatTime(NOW) },
    };
    return { op: 'set', key, value: utf8(value), meta };
  }

  /** A transaction whose ledger commit says what `message` makes of it. */
  async transaction(
    operations: readonly Operation[],
    base: Base | null = null,
    message: (text: string) => string = (text) => text,
  ): Promise<PushedTransaction> {
    const { store, namer } = this;
    const context = { store, namer, ns: NS, identity: 'Ada <ada@example.org>', now: NOW, txn: TXN };
    const on = base ?? { ledger: null, index: null, chunks: null, epoch: 'first', parentEpoch: null };
    const draft = await buildTransaction(context, on, operations);
    const commit = { ...draft.ledgerCommit, message: message(draft.ledgerCommit.message) };
    const object = namer.object('commit', encodeCommit(commit, store.objectFormat));
    await store.write([...draft.objects, object]);
    const trailers = parseLedgerMessage(commit.message, object.oid);
    const { oid } = draft.indexCommit;
    const text = new TextDecoder().decode(draft.indexCommit.body);
    const index = parseIndexMessage(text.slice(text.indexOf('\n\n') + 2), oid);
    return {
      ledger: { oid: object.oid, commit, trailers },
      index: { oid, commit: { ...commit, tree: trailers.indexTree }, trailers: index },
      chunks: null,
    };
  }

  /** Every fault of a transaction, and the error that ends it when the first is thrown. */
  async judge(pushed: PushedTransaction, parent = NEW): Promise<{ faults: Fault[]; thrown: KvError | null }> {
    const { store, namer } = this;
    const verifier = { verify: async () => ({ kind: 'ssh' as const, id: 'ssh-ed25519 AAAA' }) };
    const context = { store, namer, verifier, ns: NS, policy: null, sampleSize: 1, randomness: new SeededRandomness() };
    const judged = (emit: Emit): Promise<unknown> => checkTransaction({ ...context, emit }, pushed, parent);
    const faults: Fault[] = [];
    await judged((fault) => faults.push(fault));
    const thrown = await judged(throwFault).then(
      () => null,
      (error: KvError) => error,
    );
    return { faults, thrown };
  }

  /** A tree with one path taken away. */
  async without(tree: Oid, path: string): Promise<Oid> {
    const edits = new PathEdits();
    const edit: FileEdit = { mode: MODE_FILE, oid: null, previous: null };
    const dirs = path.split('/');
    edits.put(dirs, dirs.pop() as string, edit);
    const out: NewObject[] = [];
    const next = seal(await edits.load(this.store, tree, 20), this.namer, out) as Oid;
    expect(edit.previous, path).to.be.a('string');
    await this.store.write(out);
    return next;
  }
}

const baseOf = ({ ledger, index }: PushedTransaction): Base => ({
  ledger: { commit: ledger.oid, tree: ledger.commit.tree },
  index: { commit: index.oid, tree: index.commit.tree },
  ...{ chunks: null, epoch: ledger.trailers.epoch, parentEpoch: null },
});
const stateOf = ({ ledger, index }: PushedTransaction): ParentState => ({
  ...NEW,
  ...{ ledgerTree: ledger.commit.tree, indexTree: index.commit.tree, epoch: ledger.trailers.epoch },
});
const signed = (pushed: PushedTransaction): PushedTransaction => ({
  ...pushed,
  ledger: { ...pushed.ledger, commit: { ...pushed.ledger.commit, signature: 'of somebody' } },
});

describe('the rules of a sound transaction', () => {
  it('find nothing in one that is', async () => {
    const ledger = new Ledger();
    const first = signed(await ledger.transaction([ledger.set('cfg:a', '1'), ledger.set('cfg:b', '2')]));
    expect(await ledger.judge(first)).to.deep.equal({ faults: [], thrown: null });
    const second = signed(await ledger.transaction([ledger.set('cfg:a', '3'), { op: 'del', key: 'cfg:b' }], baseOf(first)));
    expect(await ledger.judge(second, stateOf(first))).to.deep.equal({ faults: [], thrown: null });
  });

  it('tell every fault to who collects them, and the first of them to who throws it', async () => {
    const ledger = new Ledger();
    const operations = [ledger.set('cfg:a', '1', `blake3:${'0'.repeat(64)}`), ledger.set('cfg:b', '2')];
    const pushed = await ledger.transaction(operations, null, (text) =>
      text.replace('Base-Tree: -', `Base-Tree: ${'a'.repeat(40)}`).replace('Keys-Set: 2', 'Keys-Set: 7'),
    );
    const { faults, thrown } = await ledger.judge(pushed);
    const { oid } = pushed.ledger;
    expect(faults.map(({ code, message }) => `${code} ${message}`)).to.deep.equal([
      `ATTESTATION_MISMATCH commit ${oid}: Base-Tree is ${'a'.repeat(40)}, expected -`,
      `SIGNATURE_MISSING commit ${oid} is not signed`,
      `ATTESTATION_MISMATCH commit ${oid}: Keys-Set 7 and Keys-Del 0, but the trees set 2 and delete 0`,
      'ATTESTATION_MISMATCH key "cfg:a": its ETag is not the digest of its value',
    ]);
    const [first] = faults;
    expect(thrown).to.include({ code: first?.code, message: first?.message, hint: first?.hint });
    expect(thrown?.details).to.deep.equal({ commit: oid });
  });

  it('name the key whose pointer is gone, besides the tree that is not the expected one', async () => {
    const ledger = new Ledger();
    const { store, namer } = ledger;
    const first = await ledger.transaction([ledger.set('cfg:a', '1'), ledger.set('a.b', '2')]);
    const after = await ledger.without(first.index.commit.tree, 'kv/main/index/a%/2E/a%2Eb.ref');
    for (const recompute of [true, false]) {
      const faults: Fault[] = [];
      const rules = { store, namer, ns: NS, emit: (fault: Fault) => faults.push(fault) };
      await checkIndexStep(rules, { before: first.index.commit.tree, after, pointers: new Map() }, recompute);
      expect(faults.map(({ subject }) => subject)).to.deep.equal([...(recompute ? [{}] : []), { key: 'a.b' }]);
    }
  });

  it('find a value that was left behind when its metadata went', async () => {
    const ledger = new Ledger();
    const { store, namer } = ledger;
    const { tree } = (await ledger.transaction([ledger.set('cfg:a', '1'), ledger.set('cfg:b', '2')])).ledger.commit;
    const after = await ledger.without(tree, pathsOf(NS, placeOf('cfg:a', namer.hasher)).meta);
    const faults: string[] = [];
    const rules = { store, namer, ns: NS, emit: ({ message }: Fault) => faults.push(message) };
    expect(await ledgerChanges(rules, tree, after)).to.deep.equal({ changes: [], torn: ['cfg:a'] });
    expect(faults).to.deep.equal(['key "cfg:a": its metadata is gone but its value is not']);
  });
});

describe('pairing by name', () => {
  const commit = { tree: '', author: '', committer: '', signature: null, message: '' };
  const ledger = (oid: string, txn: string): PushedTransaction['ledger'] => {
    const t = { ns: NS, txn, baseTree: null, indexTree: '', chunksTree: null, epoch: 'first', keysSet: 0, keysDel: 0 };
    return {
      oid,
      commit: { ...commit, parents: [] },
      trailers: { ...t, parentEpoch: null, parentLedger: null, repository: null, intent: null },
    };
  };
  const index = (oid: string, txn: string, parent?: string): PushedTransaction['index'] => {
    return {
      oid,
      commit: { ...commit, parents: parent === undefined ? [] : [parent] },
      trailers: { ns: NS, txn, ledgerTree: '' },
    };
  };
  const paired = (ledgers: Transaction['ledger'][], indexes: PushedTransaction['index'][]) => {
    const faults: string[] = [];
    const pairs = pairPresent(({ message }) => faults.push(message), NS, { ledger: ledgers, index: indexes, chunks: [] });
    return { pairs: pairs.map((one) => [one.ledger.oid, one.index?.oid ?? null]), faults };
  };

  it('takes what is there, also where one name stands twice', () => {
    const indexes = [index('i1', 'x'), index('i2', 'x', 'i1')];
    expect(paired([ledger('l1', 'x'), ledger('l2', 'x'), ledger('l3', 'y')], indexes)).to.deep.equal({
      pairs: [
        ['l1', 'i1'],
        ['l2', 'i2'],
        ['l3', null],
      ],
      faults: [],
    });
  });

  it('finds an index commit too many, and those in another order than the ledger’s', () => {
    const { faults } = paired(
      [ledger('l1', 'x'), { ...ledger('l2', 'y'), trailers: null }],
      [index('i1', 'x'), index('i2', 'z', 'i1')],
    );
    expect(faults).to.deep.equal(['namespace main: index commit i2 belongs to no ledger commit']);
    const swapped = paired([ledger('l1', 'x'), ledger('l2', 'y')], [index('i2', 'y'), index('i1', 'x', 'i2')]);
    expect(swapped.faults).to.deep.equal(["commit l2: the index commit's parent is -, expected i1"]);
  });
});
