import { expect } from 'chai';
import { withRefs } from '../../../../../domain/gateway/sync/view.js';
import { archiveRef, compactedRef, intentsRef, watchlogRef } from '../../../../../domain/ledger/refs.js';
import { replacing } from '../../../../../domain/git/store-view.js';
import { KvError } from '../../../../../ports/error.js';
import type { NamespacePolicy } from '../../../../../ports/stargate/policy-reader.js';
import { rejects } from '../../../../contracts/git-store-parts/bench.js';
import { chunksOf, EPOCH, ends, Histories, INDEX, LEDGER, type Moment } from './histories.js';

describe('how a namespace at the mirror relates to what is here', () => {
  let made: Histories;
  before(async () => {
    made = await Histories.make();
  });
  /** All that differs between two moments, as updates tell it. */
  const differing = (here: Moment, there: Moment): Record<string, unknown> =>
    Object.fromEntries(
      [...there].filter(([ref, oid]) => here.get(ref) !== oid).map(([ref, oid]) => [ref, [here.get(ref) ?? null, oid]]),
    );

  it('goes on from any moment to any later one, over the beginnings of epochs, and brings every ref there', async () => {
    for (const [from, to] of [
      [0, 1],
      [0, 3],
      [0, 7],
      [1, 2],
      [1, 3],
      [2, 4],
      [3, 4],
      [3, 7],
      [4, 5],
      [5, 6],
      [6, 7],
    ] as const) {
      const [here, there] = [made.at(from), made.at(to)];
      const relation = await made.relate(here, there);
      const clue = `${from} to ${to}`;
      expect(relation, clue).to.include({ kind: 'ahead', here: here.get(LEDGER) ?? null, there: there.get(LEDGER), held: null });
      expect(ends(relation), clue).to.deep.equal(differing(here, there));
      const events = relation.kind === 'ahead' ? (relation.continuation?.events ?? []) : [];
      expect(events.length, clue).to.equal(to - from);
      expect(events.at(-1)?.oid, clue).to.equal(there.get(LEDGER));
    }
  });

  it('is contained where the mirror has nothing, the same, or what was here before, in this epoch or in one that has ended', async () => {
    for (const [from, to] of [
      [3, 0],
      [2, 2],
      [2, 1],
      [4, 3],
      [7, 1],
      [7, 4],
    ] as const)
      expect(await made.relate(made.at(from), made.at(to)), `${from} to ${to}`).to.deep.equal({ kind: 'contained' });
  });

  it('is apart where neither leads to the other, and no other ref makes it lead there', async () => {
    const other = await made.stray(null);
    for (const [here, there] of [
      [made.at(2), made.at(3, { [LEDGER]: other })],
      [made.at(2, { [LEDGER]: other }), made.at(3)],
      [made.at(2, { [LEDGER]: other, 'refs/kv-chunks/main@x': made.tip(3, LEDGER) }), made.at(3)],
    ] as const) {
      const expected = { kind: 'apart', here: here.get(LEDGER), there: there.get(LEDGER), fault: null };
      expect(await made.relate(here, there)).to.deep.equal(expected);
    }
  });

  it('is apart where what goes on is not what a Stargate has accepted, which is said', async () => {
    const [first] = made.epochs as [string];
    const log = watchlogRef('main', first);
    const intents = intentsRef('main', first);
    const [stray, junk] = [await made.stray(made.tip(2, LEDGER)), await made.stray(null)];
    for (const [from, to, changes, why] of [
      [1, 2, { [INDEX]: made.tip(1, INDEX) }, /./],
      [1, 2, { [INDEX]: null }, null],
      [1, 2, { [EPOCH]: junk }, /refs\/kv-epoch\/main of the mirror is at \w+, and its history ends at/],
      [1, 2, { [log]: null }, /does not tell of/],
      [1, 2, { [log]: made.tip(1, log) }, /does not tell of/],
      [1, 2, { [log]: made.tip(3, log) }, /tells of \w+, which its ledger lacks/],
      [0, 2, { [log]: made.tip(1, log) }, /does not tell of/],
      [1, 2, { [intents]: null }, /keeps nothing where the ledger has intent/],
      [1, 2, { [intents]: made.tip(1, intents) }, /keeps nothing where the ledger has intent/],
      [1, 2, { [intents]: made.tip(3, intents) }, /keeps intent \w+ of \w+ where the ledger has nothing/],
      [1, 2, { [intents]: junk }, /does not go on from what is here/],
      [2, 3, { [LEDGER]: stray }, /./],
      [2, 3, { [chunksOf(first)]: null }, /./],
      [3, 4, { [archiveRef('main', first)]: null }, null],
      [0, 4, { [archiveRef('main', first)]: null }, /has epoch second of main but not the archive of/],
      [0, 4, { [archiveRef('main', first)]: made.rig.maker.namer.oid('tree', new Uint8Array()) }, /which is no commit/],
      [3, 5, { [archiveRef('main', first)]: junk }, null],
    ] as const) {
      const here = made.at(from);
      const relation = await made.relate(here, made.at(to, changes));
      const clue = `${from} to ${to} ${Object.keys(changes).join()}`;
      expect(relation.kind, clue).to.equal('apart');
      const fault = relation.kind === 'apart' ? (relation.fault?.message ?? null) : null;
      if (why === null) expect(fault, clue).to.equal(null);
      else expect(fault, clue).to.match(why);
      if (relation.kind === 'apart' && why?.source !== '.' && relation.fault !== null)
        expect(['ATTESTATION_MISMATCH', 'REF_FORBIDDEN'], clue).to.include(relation.fault.code);
    }
  });

  it('is ahead but held up where the policy of today takes no such signer, and has no bounds of today for what was accepted once', async () => {
    const { policy } = made.rig;
    const with_ = (change: Partial<NamespacePolicy>) => {
      const main = policy.namespaces.get('main') as NamespacePolicy;
      return { policy: { ...policy, namespaces: new Map([...policy.namespaces, ['main', { ...main, ...change }]]) } };
    };
    const [here, there] = [made.at(0), made.at(8)];
    const held = await made.relate(here, there, with_({ writers: [] }));
    expect(held).to.deep.include({ kind: 'ahead', here: null, there: there.get(LEDGER), continuation: null });
    expect(held.kind === 'ahead' && held.held?.code).to.be.oneOf(['SIGNER_UNKNOWN', 'POLICY_VIOLATION']);
    for (const change of [
      { maxValueInline: 0, maxValueTotal: 0 },
      { allowedPrefixes: ['none/'], forbidLfs: true },
      { verify: { mode: 'sampled', sampleSize: 1, fullLimit: 0 } },
    ] as const)
      expect(ends(await made.relate(here, there, with_(change))), Object.keys(change).join()).to.deep.equal(
        differing(here, there),
      );
    // Nor is anything sampled: whichever value is not what it was signed as, it is found.
    const sampled = with_({ verify: { mode: 'sampled', sampleSize: 1, fullLimit: 0 } });
    for (const value of made.many) {
      const oid = made.rig.maker.namer.oid('blob', Buffer.from(value));
      const spoilt = replacing(made.rig.store, {
        read: async (oids, bounds) =>
          (await made.rig.store.read(oids, bounds)).map((one) =>
            one?.oid === oid ? { ...one, body: Buffer.from('z'.repeat(one.body.length)) } : one,
          ),
      });
      const relation = await made.relate(made.at(7), made.at(8), { ...sampled, store: spoilt });
      expect(relation.kind === 'apart' && relation.fault?.code, value).to.equal('ATTESTATION_MISMATCH');
    }
    const unknown = await made.relate(here, there, { policy: { ...policy, namespaces: new Map() } });
    expect(unknown).to.include({ kind: 'ahead', continuation: null });
    const elsewhere = await made.relate(here, there, { repository: { id: 'b'.repeat(32), required: true } });
    expect(elsewhere.kind === 'ahead' && elsewhere.held?.code).to.equal('POLICY_VIOLATION');
  });

  it('knows that labels are used up that the mirror has compacted away, unless something of them is here', async () => {
    const [first] = made.epochs as [string];
    const gone = { [compactedRef('main', 'gone')]: made.tip(1, LEDGER), [compactedRef('main', first)]: made.tip(1, LEDGER) };
    const others = { [compactedRef('other', 'gone')]: made.tip(1, LEDGER), 'refs/heads/a': made.tip(1, LEDGER) };
    const relation = await made.relate(made.at(1), made.at(2, { ...gone, ...others }));
    const moved = ends(relation) ?? {};
    expect(moved[compactedRef('main', 'gone')]).to.deep.equal([null, made.tip(1, LEDGER)]);
    expect(Object.keys(moved).filter((ref) => !made.at(2).has(ref))).to.deep.equal([compactedRef('main', 'gone')]);
  });

  it('is not said where what says it can not be read', async () => {
    for (const code of ['IO_ERROR', 'INTERRUPTED', 'UNEXPECTED'] as const) {
      const broken = replacing(made.rig.store, {
        headers: async () => {
          throw new KvError(code, 'no');
        },
        read: async () => {
          throw new KvError(code, 'no');
        },
      });
      await rejects(made.relate(made.at(1), made.at(2), { store: broken }), code);
    }
  });

  it('is judged by a view of the refs of that moment', async () => {
    const view = withRefs(
      made.rig.store,
      new Map([
        ['refs/kv/main', 'a'],
        ['refs/kv/other', 'b'],
        ['refs/heads/kv/', 'c'],
      ]),
    );
    const names = async (...patterns: string[]) => [...(await view.refs(patterns)).keys()];
    expect(await names('refs/kv/')).to.deep.equal(['refs/kv/main', 'refs/kv/other']);
    expect(await names('refs/kv/m')).to.deep.equal([]);
    expect(await names('refs/kv/main', 'refs/kv/m')).to.deep.equal(['refs/kv/main']);
    expect(await names('refs/kv/main', 'refs/heads/')).to.deep.equal(['refs/kv/main', 'refs/heads/kv/']);
    expect(await view.read([made.tip(1, LEDGER)])).to.have.length(1);
  });
});
