import { expect } from 'chai';
import type { Commit } from '../../../../domain/git/commit.js';
import { encodeCommit, stamp } from '../../../../domain/git/commit.js';
import { readIntent } from '../../../../domain/ledger/intent/intent.js';
import { pathsOf, placeOf } from '../../../../domain/ledger/paths.js';
import { appendIntent, renderKeptMessage } from '../../../../domain/ledger/intent/intents-log.js';
import { encodeManifest } from '../../../../domain/ledger/value/manifest.js';
import { type LedgerTrailers, renderLedgerMessage } from '../../../../domain/ledger/transaction/attestation.js';
import { ledgerTreeAfter } from '../../../../domain/ledger/transaction/transaction.js';
import { keepingKeys, operationsOf } from '../../../../domain/ledger/intent/intent-plan.js';
import { checkTransaction } from '../../../../domain/verify/check-transaction.js';
import { checkIntentsChain, readIntentsChain } from '../../../../domain/verify/intents-chain.js';
import {
  checkSequenced,
  isSequenced,
  keptTtls,
  manifestsOf,
  type SequencedJudges,
  type SequencedLink,
} from '../../../../domain/verify/sequenced.js';
import type { SignatureVerifier, SigningKey } from '../../../../ports/clone/signer.js';
import { KvError } from '../../../../ports/error.js';
import type { PolicyKey } from '../../../../ports/stargate/policy-reader.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { IntentMaker, type IntentWish } from '../../../support/formats/intents.js';
import { NOW, SeededRandomness } from '../../../support/memory/memory.js';
import type { Told } from '../../../support/formats/rules.js';
import { KeysBench, POLICY } from '../../../support/formats/keys-bench.js';

const REPOSITORY = '0123456789abcdef0123456789abcdef';
const EXPIRES = '2026-01-02T03:04:05.678Z';
const GONE = 'f'.repeat(40);
const key = (name: string): PolicyKey => ({ kind: 'ssh', material: `key of ${name}`, name });
const STARGATE = stamp('Stargate <stargate@git-kv>', NOW);

/** A signature is the signer's name; it is said whose key that is. */
const verifier: SignatureVerifier = {
  verify: async (_, signature): Promise<SigningKey> => {
    if (signature === 'nobody') throw new KvError('SIGNATURE_INVALID', 'no');
    return { kind: 'ssh', id: `key of ${signature}` };
  },
};
const people = { signer: (name: string) => ({ sign: async () => name, publicKey: async () => null }) };
const JUDGES: SequencedJudges = { verifier, sequencers: [key('sequencer')], listed: [key('ada')], role: 'writer' };

describe('a ledger commit that was made of an intent', () => {
  let bench: KeysBench;
  let maker: IntentMaker;
  let before: Oid;
  beforeEach(async () => {
    bench = new KeysBench();
    maker = new IntentMaker(people, REPOSITORY, 'sha1');
    before = await writtenTree(null, 'old', { ttl: EXPIRES });
    before = await writtenTree(before, 'plain');
  });

  /** A ledger tree with a key set to `0`. */
  async function writtenTree(base: Oid | null, name: string, change: { ttl?: string } = {}): Promise<Oid> {
    const { data, meta } = await bench.inline(name, '0', change);
    const paths = pathsOf('main', placeOf(name, bench.namer.hasher));
    return bench.tree({ [paths.data]: { oid: data }, [paths.meta]: { oid: meta } }, base);
  }

  /** What the sequencer makes of an intent; `says` and `commit` make it another. */
  async function ordered(
    wish: IntentWish,
    change: { says?: Partial<LedgerTrailers>; commit?: Partial<Commit>; on?: Oid | null } = {},
  ) {
    const made = await maker.make('ada', { now: NOW, ...wish });
    await bench.store.write(made.objects);
    const intent = await readIntent((oids) => bench.store.read(oids), bench.namer, made.oid);
    const on = change.on === undefined ? before : change.on;
    const kept = new Map(keepingKeys(intent).includes('old') && on === before ? [['old', EXPIRES]] : []);
    const operations = operationsOf(intent, { manifests: await manifestsOf(bench.store, intent), kept });
    const tree = await ledgerTreeAfter(bench.store, bench.namer, 'main', on, operations);
    const trailers: LedgerTrailers = {
      ...{ ns: 'main', txn: made.txn, baseTree: on, indexTree: 'i', chunksTree: null, epoch: '2026Q1', keysSet: 1, keysDel: 0 },
      ...{ parentEpoch: null, parentLedger: null, repository: REPOSITORY, intent: made.oid, ...change.says },
    };
    const message = renderLedgerMessage(intent.text, trailers);
    const commit: Commit = {
      ...{ tree, parents: [], author: intent.commit.author, committer: STARGATE, signature: 'sequencer', message },
      ...change.commit,
    };
    const { oid } = bench.namer.object('commit', encodeCommit(commit, 'sha1'));
    return { oid, commit, trailers } as SequencedLink;
  }
  const judge = async (link: SequencedLink, judges = JUDGES, on: Oid | null = before) => {
    const signer = await checkSequenced(bench.rules, judges, link, on);
    const what = bench.faults.map(
      ({ message }) => / (\S+|the \w+(?: tree)?) is /.exec(message.replace(/^commit \w+ [^:]*:/, ''))?.[1],
    );
    return { signer, what, told: bench.told() };
  };
  const mismatch = ({ oid }: SequencedLink): Told => ({
    code: 'ATTESTATION_MISMATCH',
    subject: { commit: oid },
    advice: { id: 'write-through-client' },
  });

  it('is sound when it is the writer’s intent, made by a sequencer', async () => {
    for (const wish of [
      { set: { a: '1', old: '2' } },
      { set: { old: '1', plain: '2', new: '3' }, keepTtl: true },
      { set: { old: '1', new: '3' }, keepTtl: true, ttl: '2027-01-02T03:04:05.678Z' },
      { del: ['old'] },
      { set: { a: '1' }, epoch: '2026Q1', text: 'why\n\nbecause' },
      { manifests: [await bench.manifest('big', ['0123456789', 'abc'])] },
    ] satisfies IntentWish[])
      expect(await judge(await ordered(wish)), JSON.stringify(wish)).to.deep.equal({ signer: 'ada', what: [], told: [] });
    const onEmpty = await ordered({ set: { a: '1' } }, { on: null });
    for (const on of [null, bench.namer.emptyTree()]) expect((await judge(onEmpty, JUDGES, on)).told).to.deep.equal([]);
    const cleared = await ordered({ del: ['old', 'plain'] }, { commit: { tree: bench.namer.emptyTree() } });
    expect((await judge(cleared)).told).to.deep.equal([]);
  });

  it('says what the intent says', async () => {
    const set = { a: '1' };
    const cases: [string, IntentWish, Parameters<typeof ordered>[1]][] = [
      ['the author', { set }, { commit: { author: stamp('Eve <eve@example.org>', NOW) } }],
      ['KV-NS', { set }, { says: { ns: 'other' } }],
      ['KV-Txn', { set }, { says: { txn: '01KDYF0000ABCDEFGHJKMNPQRS' } }],
      ['KV-Repository', { set }, { says: { repository: 'f'.repeat(32) } }],
      ['Epoch', { set, epoch: '2025Q4' }, {}],
      ['the ledger tree', { set }, { commit: { tree: 'a'.repeat(40) } }],
      ['the ledger tree', { set }, { on: null }],
      ['the ledger tree', { set: { old: '1' }, keepTtl: true }, { on: null }],
      ['the ledger tree', { set: { plain: '1' } }, { commit: { tree: before } }],
    ];
    for (const [what, wish, change] of cases) {
      const link = await ordered(wish, change);
      expect(await judge(link), what).to.deep.equal({ signer: 'ada', what: [what], told: [mismatch(link)] });
    }
    const link = await ordered({ set });
    const other = { ...link, commit: { ...link.commit, message: renderLedgerMessage('other text', link.trailers) } };
    expect((await judge(other)).told).to.deep.equal([mismatch(link)]);
  });

  it('begins an epoch with the tree that its rules say, and the label of its intent', async () => {
    const wish = { beginEpoch: '2026Q2', epoch: '2026Q1' };
    const begins = await ordered(wish, { says: { epoch: '2026Q2' }, commit: { tree: 'a'.repeat(40) } });
    expect(await judge(begins)).to.deep.equal({ signer: 'ada', what: [], told: [] });
    const other = await ordered(wish, { says: { epoch: '2026Q1' }, commit: { tree: 'a'.repeat(40) } });
    expect((await judge(other)).what).to.deep.equal(['Epoch']);
  });

  it('has two signatures: a sequencer’s, and a writer’s', async () => {
    const link = await ordered({ set: { a: '1' } });
    const by = (signature: string | null): SequencedLink => ({ ...link, commit: { ...link.commit, signature } });
    const code = async (one: SequencedLink, change: Partial<SequencedJudges> = {}) => {
      const { signer, told } = await judge(one, { ...JUDGES, ...change });
      return { signer, codes: told.map((fault) => [fault.code, fault.subject.commit]) };
    };
    expect(await code(by('eve'))).to.deep.equal({ signer: 'ada', codes: [['SIGNER_UNKNOWN', link.oid]] });
    expect(await code(by(null))).to.deep.equal({ signer: 'ada', codes: [['SIGNATURE_MISSING', link.oid]] });
    expect(await code(by('eve'), { sequencers: null })).to.deep.equal({ signer: 'ada', codes: [] });
    expect(await code(by('nobody'), { sequencers: null })).to.deep.equal({
      signer: 'ada',
      codes: [['SIGNATURE_INVALID', link.oid]],
    });
    const { intent } = link.trailers;
    expect(await code(link, { listed: [key('bob')] })).to.deep.equal({
      signer: 'key of ada',
      codes: [['SIGNER_UNKNOWN', intent]],
    });
    expect(await code(link, { listed: null })).to.deep.equal({ signer: 'key of ada', codes: [] });
    const unsigned = await ordered({ set: { a: '1' }, signer: null });
    expect(await code(unsigned)).to.deep.equal({ signer: '-', codes: [['SIGNATURE_MISSING', unsigned.trailers.intent]] });
    expect(await code(unsigned, { listed: null })).to.deep.equal({
      signer: '-',
      codes: [['SIGNATURE_MISSING', unsigned.trailers.intent]],
    });
    const admin = await judge(link, { ...JUDGES, listed: [key('bob')], role: 'admin' });
    expect(admin.told.map((fault) => fault.code)).to.deep.equal(['SIGNER_UNKNOWN']);
  });

  it('asks for OpenPGP keys at hand where anybody may have signed', async () => {
    const asked: unknown[] = [];
    const noting: SignatureVerifier = {
      verify: async (payload, signature, trusted) => {
        asked.push(trusted);
        return verifier.verify(payload, signature, trusted);
      },
    };
    const link = await ordered({ set: { a: '1' } });
    const keysAtHand = [key('x')];
    await checkSequenced(bench.rules, { ...JUDGES, verifier: noting, sequencers: null, listed: null, keysAtHand }, link, before);
    await checkSequenced(bench.rules, { ...JUDGES, verifier: noting, sequencers: null, listed: null }, link, before);
    expect(asked).to.deep.equal([keysAtHand, keysAtHand, [], []]);
  });

  it('names an intent that can be read, and brings what it names', async () => {
    const link = await ordered({ set: { a: '1' } });
    const lost = { ...link, trailers: { ...link.trailers, intent: GONE } };
    const none = await judge(lost);
    expect([none.signer, none.told.map(({ code, subject }) => [code, subject])]).to.deep.equal([
      '-',
      [['ATTESTATION_MISMATCH', { commit: link.oid }]],
    ]);
    const manifest = await bench.manifest('big', ['0123456789']);
    const chunked = await ordered({ manifests: [manifest] });
    bench.store.forget([await bench.blob(encodeManifest(manifest))]);
    const unread = await judge(chunked);
    expect([unread.signer, unread.told.map(({ subject }) => subject)]).to.deep.equal(['ada', [{ commit: chunked.oid }]]);
  });

  it('is one by what it says', async () => {
    const link = await ordered({ set: { a: '1' } });
    expect(isSequenced(link)).to.equal(true);
    expect(isSequenced({ ...link, trailers: { ...link.trailers, intent: null } })).to.equal(false);
    expect(isSequenced({ ...link, trailers: null })).to.equal(false);
  });

  it('keeps TTLs of keys that have one', async () => {
    const intentOf = async (wish: IntentWish) => {
      const made = await maker.make('ada', { now: NOW, ...wish });
      await bench.store.write(made.objects);
      return readIntent((oids) => bench.store.read(oids), bench.namer, made.oid);
    };
    const keeping = await intentOf({ set: { old: '1', plain: '1', new: '1' }, keepTtl: true });
    expect([...(await keptTtls(bench.rules, keeping, before))]).to.deep.equal([['old', EXPIRES]]);
    expect((await keptTtls(bench.rules, keeping, null)).size).to.equal(0);
    const { rules, read } = bench.noted();
    expect((await keptTtls(rules, await intentOf({ set: { old: '1' } }), before)).size).to.equal(0);
    expect(read).to.deep.equal([]);
  });

  it('comes from no writer, and from anybody in history that is adopted', async () => {
    const link = await ordered({ set: { a: '1' } });
    const index = {
      oid: 'i',
      commit: link.commit,
      trailers: { ns: 'main', txn: link.trailers.txn, ledgerTree: link.commit.tree },
    };
    const judged = async (
      change: Partial<Parameters<typeof checkTransaction>[0]>,
    ): Promise<{ signer: string; codes: unknown[] }> => {
      const context = { ...bench.rules, verifier, randomness: new SeededRandomness(), policy: null, sampleSize: 1, ...change };
      const { signer } = await checkTransaction(
        context,
        { ledger: link, index, chunks: null },
        {
          ...{ ledgerTree: before, indexTree: null, chunksTree: null, epoch: null, parentEpoch: null },
        },
      );
      const codes = bench
        .told()
        .flatMap(({ code, subject }) => (code.startsWith('SIGN') || subject.commit === link.oid ? [code] : []));
      return { signer, codes };
    };
    const listed = { ...POLICY, writers: [key('ada')] };
    const others = (await judged({})).codes; // what is wrong with its index is not asked here
    expect(await judged({ keysAtHand: [] })).to.deep.equal({ signer: 'key of ada', codes: others });
    expect(await judged({ policy: listed, sequencers: [key('sequencer')] })).to.deep.equal({ signer: 'ada', codes: others });
    expect((await judged({ policy: listed, sequencers: [key('other')] })).codes).to.include('SIGNER_UNKNOWN');
    const pushed: Told[] = [];
    const emit = (fault: Told): void => {
      pushed.push(fault);
      throw new KvError(fault.code, 'ended');
    };
    const ended = await judged({ policy: listed, emit }).catch((error: KvError) => error);
    expect((ended as KvError).code).to.equal('ATTESTATION_MISMATCH');
  });
});

describe('the chain that keeps intents', () => {
  const REF = 'refs/kv-intents/main@2026Q1';
  let bench: KeysBench;
  beforeEach(() => {
    bench = new KeysBench();
  });
  const forbidden = (commit: Oid): Told => ({ code: 'REF_FORBIDDEN', subject: { ref: REF, commit } });

  async function append(tip: Oid | null, intent: Oid, ledger: Oid): Promise<Oid> {
    const made = appendIntent(bench.namer, tip, intent, { ns: 'main', txn: 'T', ledger }, NOW);
    await bench.store.write(made);
    return made.at(-1)?.oid ?? '';
  }
  const read = async (old: Oid | null, next: Oid) => {
    const chain = await readIntentsChain(bench.store, bench.rules.emit, { ref: REF, old, next });
    return { chain: chain.map(({ intent, ledger }) => `${intent} ${ledger}`), told: bench.told() };
  };

  it('is read oldest first, from where it is known or from its beginning', async () => {
    const one = await append(null, 'a'.repeat(40), 'l1');
    const two = await append(one, 'b'.repeat(40), 'l2');
    const [a, b] = [`${'a'.repeat(40)} l1`, `${'b'.repeat(40)} l2`];
    expect(await read(null, two)).to.deep.equal({ chain: [a, b], told: [] });
    expect(await read(one, two)).to.deep.equal({ chain: [b], told: [] });
    expect(await read(two, two)).to.deep.equal({ chain: [], told: [] });
    const [link] = await readIntentsChain(bench.store, bench.rules.emit, { ref: REF, old: one, next: two });
    expect(link).to.deep.equal({ oid: two, intent: 'b'.repeat(40), ns: 'main', txn: 'T', ledger: 'l2' });
  });

  it('breaks where it does not go on from what is here, and at what is no commit of it', async () => {
    const [one, aside] = [await append(null, 'a'.repeat(40), 'l1'), await append(null, 'c'.repeat(40), 'l9')];
    const a = `${'a'.repeat(40)} l1`;
    expect(await read(aside, one)).to.deep.equal({ chain: [a], told: [forbidden(one)] });
    const blob = await bench.blob('x');
    for (const parent of [GONE, blob]) {
      const two = await append(parent, 'b'.repeat(40), 'l2');
      expect(await read(null, two)).to.deep.equal({ chain: [`${'b'.repeat(40)} l2`], told: [forbidden(two)] });
      expect(bench.faults).to.deep.equal([]);
    }
    const kept = renderKeptMessage({ ns: 'main', txn: 'T', ledger: 'l1' });
    for (const parents of [[one], [one, 'b'.repeat(40), 'c'.repeat(40)]]) {
      const wrong = await bench.commit(kept, parents);
      const next = await append(wrong, 'd'.repeat(40), 'l3');
      expect(await read(null, next)).to.deep.equal({ chain: [`${'d'.repeat(40)} l3`], told: [forbidden(wrong)] });
    }
    const unread = await bench.commit('no trailers', [one, 'b'.repeat(40)]);
    const { chain, told } = await read(null, unread);
    expect([chain, told.map(({ subject }) => subject)]).to.deep.equal([[a], [{ ref: REF, commit: unread }]]);
    const damaged = bench.namer.object('commit', new Uint8Array(3));
    await bench.store.write([damaged]);
    const rubbish = await read(null, await append(damaged.oid, 'b'.repeat(40), 'l2'));
    expect(rubbish.chain).to.deep.equal([`${'b'.repeat(40)} l2`]);
    expect(rubbish.told.map(({ subject }) => subject)).to.deep.equal([{ ref: REF, commit: damaged.oid }]);
  });

  it('keeps the intents that the ledger names, in their order, and no others', () => {
    const kept = (oid: string, intent: string, ledger: string) => ({ oid, intent, ledger, ns: 'main', txn: 'T' });
    const check = (chain: ReturnType<typeof kept>[], ledgers: { intent: string; ledger: string }[]): Told[] => {
      checkIntentsChain(bench.rules.emit, REF, chain, ledgers);
      return bench.told();
    };
    const mismatch = (commit?: string): Told => ({
      code: 'ATTESTATION_MISMATCH',
      subject: { ref: REF, ...(commit === undefined ? {} : { commit }) },
    });
    const [a, b] = [kept('k1', 'i1', 'l1'), kept('k2', 'i2', 'l2')];
    expect(check([], [])).to.deep.equal([]);
    expect(check([a, b], [a, b])).to.deep.equal([]);
    expect(check([b, a], [a, b])).to.deep.equal([mismatch('k2')]);
    expect(check([a], [{ ...a, intent: 'i9' }])).to.deep.equal([mismatch('k1')]);
    expect(check([a], [{ ...a, ledger: 'l9' }])).to.deep.equal([mismatch('k1')]);
    expect(check([a, b], [a])).to.deep.equal([mismatch('k2')]);
    expect(check([a], [a, b])).to.deep.equal([mismatch()]);
    checkIntentsChain(bench.rules.emit, REF, [a], []);
    checkIntentsChain(bench.rules.emit, REF, [], [a]);
    expect(bench.faults.map(({ message }) => message)).to.deep.equal([
      `${REF} keeps intent i1 of l1 where the ledger has nothing`,
      `${REF} keeps nothing where the ledger has intent i1 of l1`,
    ]);
  });
});
