import { expect } from 'chai';
import type { LedgerTrailers } from '../../../../../domain/ledger/transaction/attestation.js';
import {
  renderChunksMessage,
  renderIndexMessage,
  renderLedgerMessage,
} from '../../../../../domain/ledger/transaction/attestation.js';
import { checkBinding, checkCounts, type Parent } from '../../../../../domain/verify/attestation/binding.js';
import type { Attested, Link } from '../../../../../domain/verify/attestation/chain.js';
import { checkUsedOnce, pairInOrder, pairPresent, type Transaction } from '../../../../../domain/verify/attestation/pairs.js';
import { checkOneRepository, checkRepository } from '../../../../../domain/verify/attestation/repository.js';
import { RuleBench, type Told } from '../../../../support/formats/rules.js';

const TXN = '01KDYF0000ABCDEFGHJKMNPQRS';
const t: LedgerTrailers = {
  ...{ ns: 'main', txn: TXN, baseTree: 'base', indexTree: 'index', chunksTree: null, epoch: '2026Q1' },
  ...{ keysSet: 1, keysDel: 2, parentEpoch: null, parentLedger: null, repository: null, intent: null },
};
const link = (oid: string, message = '', ...parents: string[]): Link => ({
  oid,
  commit: { tree: `tree of ${oid}`, parents, author: '', committer: '', signature: null, message },
});
const mismatch = (commit?: string): Told => ({ code: 'ATTESTATION_MISMATCH', subject: commit === undefined ? {} : { commit } });
const attestedBy = <T>(trailers: T | null, one: Link): Attested<T> => ({ ...one, trailers });

/** What a rule tells. */
function told(rule: (emit: RuleBench['rules']['emit'], faults: RuleBench['faults']) => void): Told[] {
  const bench = new RuleBench();
  rule(bench.rules.emit, bench.faults);
  return bench.told();
}

describe('pairing what was pushed', () => {
  const ledger = (oid: string, change: Partial<LedgerTrailers> = {}) => link(oid, renderLedgerMessage('s', { ...t, ...change }));
  const index = (oid: string) => link(oid, renderIndexMessage({ ns: 'main', txn: TXN, ledgerTree: 'l' }));
  const chunk = (oid: string) => link(oid, renderChunksMessage({ ns: 'main', txn: TXN }));
  const pair = (ledgers: Link[], indexes: Link[], chunks: Link[] = []) => {
    const bench = new RuleBench();
    const pairs = pairInOrder(bench.rules.emit, 'main', { ledger: ledgers, index: indexes, chunks });
    const ids = pairs.map((one) => [one.ledger.oid, one.index.oid, one.chunks?.oid ?? null]);
    return { ids, trailers: pairs.map((one) => one.chunks?.trailers ?? null), told: bench.told(), pairs };
  };

  it('goes by order, and gives chunks to those that name some', () => {
    const {
      ids,
      told: faults,
      trailers,
    } = pair(
      [ledger('l1'), ledger('l2', { chunksTree: 'c' }), ledger('l3')],
      [index('i1'), index('i2'), index('i3')],
      [chunk('c2')],
    );
    expect({ ids, faults }).to.deep.equal({
      ids: [
        ['l1', 'i1', null],
        ['l2', 'i2', 'c2'],
        ['l3', 'i3', null],
      ],
      faults: [],
    });
    expect(trailers[1]).to.deep.equal({ ns: 'main', txn: TXN });
  });

  it('tells that there are too many of one kind, and gives what pairs up', () => {
    expect(pair([ledger('l1'), ledger('l2')], [index('i1')])).to.deep.include({ ids: [['l1', 'i1', null]], told: [mismatch()] });
    expect(pair([ledger('l1')], [index('i1'), index('i2')])).to.deep.include({ ids: [['l1', 'i1', null]], told: [mismatch()] });
    expect(pair([ledger('l1')], [index('i1')], [chunk('c1')]).told).to.deep.equal([mismatch('c1')]);
    expect(pair([ledger('l1', { chunksTree: 'c' })], [index('i1')])).to.deep.include({
      ids: [['l1', 'i1', null]],
      told: [mismatch('l1')],
    });
  });

  it('leaves out what can’t be read, and says which commit that is', () => {
    const wrong = (commit: string) => ({ ...mismatch(commit), advice: { id: 'write-attested' } });
    expect(pair([link('l1', 'x'), ledger('l2')], [index('i1'), index('i2')])).to.deep.include({
      ids: [['l2', 'i2', null]],
      told: [wrong('l1')],
    });
    expect(pair([ledger('l1'), ledger('l2')], [link('i1', 'x'), index('i2')])).to.deep.include({
      ids: [['l2', 'i2', null]],
      told: [wrong('i1')],
    });
    const unread = pair([ledger('l1', { chunksTree: 'c' })], [index('i1')], [link('c1', 'x')]);
    expect(unread).to.deep.include({ ids: [['l1', 'i1', null]], told: [wrong('c1')] });
  });
});

describe('pairing what there is', () => {
  const ledger = (oid: string, txn: string | null, ...parents: string[]) =>
    attestedBy(txn === null ? null : { ...t, txn, chunksTree: null }, link(oid, '', ...parents));
  const withChunks = (oid: string, txn: string, ...parents: string[]) =>
    attestedBy({ ...t, txn, chunksTree: 'c' }, link(oid, '', ...parents));
  const index = (oid: string, txn: string, ...parents: string[]) =>
    attestedBy({ ns: 'main', txn, ledgerTree: '' }, link(oid, '', ...parents));
  const chunk = (oid: string, txn: string, ...parents: string[]) => attestedBy({ ns: 'main', txn }, link(oid, '', ...parents));
  const pair = (chains: {
    ledger: Attested<LedgerTrailers>[];
    index: ReturnType<typeof index>[];
    chunks?: ReturnType<typeof chunk>[];
  }) => {
    const bench = new RuleBench();
    const pairs = pairPresent(bench.rules.emit, 'main', { chunks: [], ...chains });
    return { ids: pairs.map((one) => [one.ledger.oid, one.index?.oid ?? null, one.chunks?.oid ?? null]), told: bench.told() };
  };

  it('goes from both ends, so that an id used twice leads nobody astray', () => {
    // What is missing lies in the middle: the beginnings agree, and so do the ends.
    const found = pair({
      ledger: [ledger('l1', 'x'), ledger('l2', 'y', 'l1'), ledger('l3', 'x', 'l2'), ledger('l4', 'z', 'l3')],
      index: [index('i1', 'x'), index('i3', 'x', 'i1'), index('i4', 'z', 'i3')],
    });
    expect(found).to.deep.equal({
      ids: [
        ['l1', 'i1', null],
        ['l2', null, null],
        ['l3', 'i3', null],
        ['l4', 'i4', null],
      ],
      told: [],
    });
  });

  it('goes from the ends alone where a chain does not go back to its beginning', () => {
    const found = pair({
      ledger: [ledger('l2', 'x', 'l1'), ledger('l3', 'x', 'l2')],
      index: [index('i3', 'x', 'i2')],
    });
    expect(found.ids).to.deep.equal([
      ['l2', null, null],
      ['l3', 'i3', null],
    ]);
    const ledgerWhole = pair({ ledger: [ledger('l1', 'x'), ledger('l2', 'x', 'l1')], index: [index('i2', 'x', 'i1')] });
    expect(ledgerWhole.ids).to.deep.equal([
      ['l1', null, null],
      ['l2', 'i2', null],
    ]);
    const indexWhole = pair({ ledger: [ledger('l2', 'x', 'l1')], index: [index('i1', 'x'), index('i2', 'x', 'i1')] });
    expect(indexWhole).to.deep.equal({ ids: [['l2', 'i2', null]], told: [mismatch('i1')] });
  });

  it('goes by name between, in order where a name stands twice', () => {
    const found = pair({
      ledger: [
        ledger('l1', 'a', 'l0'),
        ledger('l2', 'x', 'l1'),
        ledger('l3', null, 'l2'),
        ledger('l4', 'x', 'l3'),
        ledger('l5', 'b', 'l4'),
      ],
      index: [index('i2', 'x', 'i1'), index('i4', 'x', 'i2'), index('i9', 'q', 'i4')],
    });
    expect(found).to.deep.equal({
      ids: [
        ['l1', null, null],
        ['l2', 'i2', null],
        ['l3', null, null],
        ['l4', 'i4', null],
        ['l5', null, null],
      ],
      told: [mismatch('i9')],
    });
  });

  it('gives chunks to the transactions that name some, by the same rules', () => {
    const found = pair({
      ledger: [withChunks('l1', 'x'), ledger('l2', 'x', 'l1'), withChunks('l3', 'x', 'l2')],
      index: [],
      chunks: [chunk('c1', 'x'), chunk('c3', 'x', 'c1'), chunk('c4', 'q', 'c3')],
    });
    expect(found).to.deep.equal({
      ids: [
        ['l1', null, 'c1'],
        ['l2', null, null],
        ['l3', null, 'c3'],
      ],
      told: [mismatch('c4')],
    });
    const late = pair({
      ledger: [withChunks('l1', 'x', 'l0'), withChunks('l2', 'x', 'l1')],
      index: [],
      chunks: [chunk('c2', 'x', 'c1')],
    });
    expect(late.ids.map(([, , chunks]) => chunks)).to.deep.equal([null, 'c2']);
  });

  it('holds the order of index commits against the ledger’s', () => {
    const chains = (parent: string | null) => ({
      ledger: [ledger('l1', 'x', 'l0'), ledger('l2', 'y', 'l1')],
      index: [index('i1', 'x', 'i0'), index('i2', 'y', ...(parent === null ? [] : [parent]))],
    });
    expect(pair(chains('i1')).told).to.deep.equal([]);
    expect(pair(chains('i0')).told).to.deep.equal([mismatch('l2')]);
    expect(pair(chains(null)).told).to.deep.equal([mismatch('l2')]);
  });

  it('finds an id that was used again, each time after the first', () => {
    const ledgers = [ledger('l1', 'x'), ledger('l2', 'y'), ledger('l3', null), ledger('l4', 'x'), ledger('l5', 'x')];
    const reused = (commit: string) => ({ code: 'TRANSACTION_REUSED', subject: { commit } });
    expect(told((emit) => checkUsedOnce(emit, ledgers))).to.deep.equal([reused('l4'), reused('l5')]);
    expect(told((emit) => checkUsedOnce(emit, ledgers.slice(0, 3)))).to.deep.equal([]);
  });
});

describe('what binds a transaction', () => {
  const sound: Transaction = {
    ledger: attestedBy({ ...t, indexTree: 'tree of i', chunksTree: 'tree of c' }, link('l')),
    index: attestedBy({ ns: 'main', txn: TXN, ledgerTree: 'tree of l' }, link('i')),
    chunks: attestedBy({ ns: 'main', txn: TXN }, link('c')),
  };
  const says = (change: Partial<LedgerTrailers>): Transaction => ({
    ...sound,
    ledger: { ...sound.ledger, trailers: { ...(sound.ledger.trailers as LedgerTrailers), ...change } },
  });
  const parent: Parent = { ledgerTree: 'base', epoch: '2026Q1', parentEpoch: null };
  const wrong = { ...mismatch('l'), advice: { id: 'write-through-client' } };
  /** What is wrong, by the name that messages have for it. */
  const judge = (one: Transaction, on: Parent | 'epoch' | 'unknown' = parent): string[] => {
    const bench = new RuleBench();
    checkBinding(bench.rules.emit, 'main', one, on);
    const names = bench.faults.map(({ message }) => /^commit l: (\S+(?: of the \w+ commit)?)/.exec(message)?.[1] ?? message);
    expect(bench.told()).to.deep.equal(names.map(() => wrong));
    return names;
  };

  it('is all there in one that is sound, whatever it builds on', () => {
    expect(judge(sound)).to.deep.equal([]);
    expect(judge({ ...sound, index: null, chunks: null })).to.deep.equal([]);
    expect(judge(sound, 'unknown')).to.deep.equal([]);
    expect(judge(sound, { ledgerTree: 'base' })).to.deep.equal([]);
    expect(judge(sound, { ledgerTree: 'base', epoch: null })).to.deep.equal([]);
    const begins = says({ baseTree: 'tree of l', parentLedger: 'last', parentEpoch: '2025Q4' });
    expect(judge(begins, 'epoch')).to.deep.equal([]);
    expect(judge({ ...sound, ledger: { ...sound.ledger, trailers: null } })).to.deep.equal([]);
  });

  it('is missed by the commit and the trailer', () => {
    const { index, chunks } = sound as { index: NonNullable<Transaction['index']>; chunks: NonNullable<Transaction['chunks']> };
    const of = { index: { ns: 'main', txn: TXN, ledgerTree: 'tree of l' }, chunks: { ns: 'main', txn: TXN } };
    const cases: [string, Transaction, (Parent | 'epoch' | 'unknown')?][] = [
      ['KV-NS', says({ ns: 'other' })],
      ['KV-Txn', { ...says({ txn: 'none' }), index: null, chunks: null }],
      ['KV-NS of the index commit', { ...sound, index: { ...index, trailers: { ...of.index, ns: 'other' } } }],
      ['KV-Txn of the index commit', { ...sound, index: { ...index, trailers: { ...of.index, txn: 'other' } } }],
      ['KV-Ledger-Tree', { ...sound, index: { ...index, trailers: { ...of.index, ledgerTree: 'other' } } }],
      ['KV-Index-Tree', says({ indexTree: 'other' })],
      ['KV-Index-Tree', { ...says({ indexTree: 'other' }), index: { ...index, trailers: null } }],
      ['KV-NS of the chunks commit', { ...sound, chunks: { ...chunks, trailers: { ...of.chunks, ns: 'other' } } }],
      ['KV-Txn of the chunks commit', { ...sound, chunks: { ...chunks, trailers: { ...of.chunks, txn: 'other' } } }],
      ['KV-Chunks-Tree', says({ chunksTree: null })],
      ['KV-Chunks-Tree', { ...says({ chunksTree: null }), chunks: { ...chunks, trailers: null } }],
      ['Epoch', says({ epoch: '..' }), { ledgerTree: 'base', epoch: null }],
      ['Epoch', says({ epoch: '..' }), 'unknown'],
      ['Base-Tree', says({ baseTree: null })],
      ['Base-Tree', says({ parentLedger: 'last' }), 'epoch'],
      ['Parent-Ledger', says({ baseTree: 'tree of l' }), 'epoch'],
      ['Epoch', says({ epoch: '2026Q2' })],
      ['Parent-Epoch', says({ parentEpoch: '2025Q4' })],
      ['Parent-Epoch', sound, { ...parent, parentEpoch: '2025Q4' }],
      ['Parent-Ledger', says({ parentLedger: 'last' })],
    ];
    for (const [name, one, on] of cases) expect(judge(one, on), `${name} of ${JSON.stringify(one)}`).to.deep.equal([name]);
  });

  it('has counts that are those of the trees', () => {
    const counted = (set: number, del: number, one = sound.ledger) => told((emit) => checkCounts(emit, one, set, del));
    expect(counted(1, 2)).to.deep.equal([]);
    for (const [set, del] of [
      [2, 2],
      [1, 1],
      [2, 1],
    ] as const)
      expect(counted(set, del)).to.deep.equal([wrong]);
    expect(counted(7, 7, { ...sound.ledger, trailers: null })).to.deep.equal([]);
  });

  it('says what it is and what it should be, a dash where there is nothing', () => {
    const messages: string[] = [];
    checkBinding(({ message }) => messages.push(message), 'main', says({ baseTree: null, parentLedger: 'last' }), parent);
    expect(messages).to.deep.equal(['commit l: Base-Tree is -, expected base', 'commit l: Parent-Ledger is last, expected -']);
    messages.length = 0;
    checkBinding(({ message }) => messages.push(message), 'main', says({ baseTree: 'tree of l' }), 'epoch');
    expect(messages).to.deep.equal(['commit l: Parent-Ledger is -, expected a commit']);
  });
});

describe('which repository a transaction is for', () => {
  const violation = (repository: string | null, named: string | null, advice: 'name-repository' | 'write-again-here') => ({
    ...{ code: 'POLICY_VIOLATION', subject: { commit: 'l' }, facts: { repository, named } },
    advice: { id: advice },
  });

  it('is this one, or none where none has to be named', () => {
    const judge = (named: string | null, id: string | null, required: boolean) =>
      told((emit) => checkRepository(emit, 'l', named, { id, required }));
    for (const required of [false, true]) {
      expect(judge('a', 'a', required)).to.deep.equal([]);
      expect(judge(null, null, required)).to.deep.equal([]);
      expect(judge('b', 'a', required)).to.deep.equal([violation('a', 'b', 'write-again-here')]);
      expect(judge('b', null, required)).to.deep.equal([violation(null, 'b', 'write-again-here')]);
    }
    expect(judge(null, 'a', false)).to.deep.equal([]);
    expect(judge(null, 'a', true)).to.deep.equal([violation('a', null, 'name-repository')]);
  });

  it('is one for all of a ledger: the published one, or else the first that is named', () => {
    const of = (repository: string | null) => attestedBy({ ...t, repository }, link('l'));
    const unread = attestedBy<LedgerTrailers>(null, link('l'));
    const judge = (id: string | null, ...ledger: Attested<LedgerTrailers>[]) =>
      told((emit) => checkOneRepository(emit, ledger, id));
    expect(judge('a', of(null), unread, of('a'), of(null))).to.deep.equal([]);
    expect(judge(null, of(null), of('b'), of(null), of('b'))).to.deep.equal([]);
    expect(judge('a', of('b'))).to.deep.equal([violation('a', 'b', 'write-again-here')]);
    expect(judge(null, of('b'), of('a'), of('b'))).to.deep.equal([violation('b', 'a', 'write-again-here')]);
  });
});
