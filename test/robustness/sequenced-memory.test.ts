import { expect } from 'chai';
import { placeNamed } from '../../adapters/remote-memory/open.js';
import { fetchNamespace } from '../../domain/client/remote/fetch-namespace.js';
import { verifyClone } from '../../domain/client/verify/verify.js';
import { type Commit, decodeCommit, encodeCommit } from '../../domain/git/commit.js';
import { parseLedgerMessage } from '../../domain/ledger/transaction/attestation.js';
import { chunksRef, intentsRef, ledgerRef, trackingRequest, watchlogRef } from '../../domain/ledger/refs.js';
import { pathsOf, placeOf } from '../../domain/ledger/paths.js';
import { decodeEvent } from '../../domain/ledger/transaction/watchlog.js';
import type { Ordered } from '../../domain/git/wire/intent-frames.js';
import { KvError } from '../../ports/error.js';
import type { ObjectFormat, Oid } from '../../ports/vocabulary.js';
import { IntentMaker, type IntentWish } from '../support/formats/intents.js';
import { openMemoryClient } from '../support/memory/client.js';
import { MemoryGateway } from '../support/memory/gateway.js';

const sequenced = (text: string): string => text.replace('ledger_mode: linear', 'ledger_mode: sequenced');

for (const format of ['sha1', 'sha256'] as const satisfies readonly ObjectFormat[]) {
  describe(`a sequenced namespace, ${format}`, () => {
    let gateway: MemoryGateway;
    let maker: IntentMaker;

    beforeEach(async () => {
      gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'], policy: sequenced });
      maker = new IntentMaker(gateway.people, gateway.repositoryId, format);
    });
    afterEach(() => gateway.close());

    const send = async (person: string, wish: IntentWish): Promise<Ordered> =>
      gateway.order(person, (await maker.make(person, wish)).objects);
    /** All refs but the watermark, which moves by itself. */
    const refsNow = async () => [...(await gateway.refs())].filter(([ref]) => !ref.startsWith('refs/kv-mirror/')).sort();
    const refused = async (person: string, wish: IntentWish, code: string, words: RegExp | string = ''): Promise<KvError> => {
      const before = await refsNow();
      const error = await send(person, wish).then(
        () => expect.fail(`${JSON.stringify(wish)} was ordered`),
        (thrown: unknown) => thrown as KvError,
      );
      expect(KvError.is(error), String(error)).to.equal(true);
      expect(error.code, error.message).to.equal(code);
      expect(error.message).to.match(new RegExp(words));
      expect(await refsNow()).to.deep.equal(before);
      return error;
    };
    const read = async (oid: Oid) => {
      const [object] = await gateway.store.read([oid]);
      return decodeCommit(object?.body ?? new Uint8Array(), oid, format);
    };
    const value = async (key: string): Promise<string | null> => {
      const tip = (await gateway.refs()).get(ledgerRef('main')) ?? '';
      const { tree } = await read(tip);
      const [blob] = await gateway.store.readPaths(tree, [pathsOf('main', placeOf(key, maker.namer.hasher)).data]);
      return blob ? Buffer.from(blob.body).toString() : null;
    };

    it('begins with an intent, and makes a ledger commit of each: the writer’s, signed by the sequencer', async () => {
      const made = await maker.make('ada', { set: { a: '1' }, text: 'why\n\nbecause' });
      const first = await gateway.order('ada', made.objects);
      const second = await send('bob', { set: { b: '2' }, epoch: first.epoch });
      expect(await value('a')).to.equal('1');
      expect(await value('b')).to.equal('2');
      const commit = await read(second.commit ?? '');
      expect(commit.parents).to.deep.equal([first.commit]);
      expect(commit.author).to.match(/^bob <bob@example.org> /);
      expect(commit.committer).to.match(/^git-kv-stargate /);
      const one = await read(first.commit ?? '');
      expect(one.message).to.match(/^why\n\nbecause\n\n/);
      expect(parseLedgerMessage(one.message, '').intent).to.equal(made.oid);
      const refs = await gateway.refs();
      const kept = await read(refs.get(intentsRef('main', first.epoch)) ?? '');
      expect(kept.parents).to.have.length(2);
      const log = await read(refs.get(watchlogRef('main', first.epoch)) ?? '');
      expect(decodeEvent(log.message, '')).to.include({ signer: 'bob', oid: second.commit, set: 1 });
    });

    it('orders many at once: each is there, in one chain', async () => {
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, i) => send(i % 2 ? 'ada' : 'bob', { set: { [`k${i}`]: `${i}` } })),
      );
      expect(new Set(answers.map(({ commit }) => commit)).size).to.equal(40);
      for (let i = 0; i < 40; i++) expect(await value(`k${i}`)).to.equal(String(i));
      let [at, count]: [Oid | undefined, number] = [(await gateway.refs()).get(ledgerRef('main')), 0];
      for (; at !== undefined; count++) at = (await read(at)).parents[0];
      expect(count).to.equal(40);
    });

    it('judges expectations of keys by what they are when the intent is ordered', async () => {
      const blob = maker.namer.oid('blob', Buffer.from('1'));
      await send('ada', { set: { a: '1', other: 'x' } });
      await send('ada', { set: { other: 'y' } });
      await send('bob', { set: { a: '2' }, expect: [{ key: 'a', blob }] });
      const error = await refused('bob', { set: { a: '3' }, expect: [{ key: 'a', blob }] }, 'CAS_CONFLICT', 'key "a" has blob');
      expect(error.details).to.deep.equal({ key: 'a', blob: maker.namer.oid('blob', Buffer.from('2')) });
      await send('bob', { set: { b: '1' }, expect: [{ key: 'b', blob: null }] });
      await refused('bob', { set: { b: '2' }, expect: [{ key: 'b', blob: null }] }, 'CAS_CONFLICT');
      const race = await Promise.allSettled(
        ['ada', 'bob'].map((who) => send(who, { set: { c: who }, expect: [{ key: 'c', blob: null }] })),
      );
      expect(race.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
    });

    it('judges the expectation of a tree', async () => {
      const { tree } = await send('ada', { set: { a: '1' }, expectTree: null });
      await send('ada', { set: { a: '2' }, expectTree: tree });
      await refused('ada', { set: { a: '3' }, expectTree: tree }, 'CAS_CONFLICT', 'has tree');
    });

    it('deletes, says what was not there, and moves nothing when nothing changes', async () => {
      await send('ada', { set: { a: '1' } });
      const gone = await send('ada', { del: ['a', 'nowhere'] });
      expect(gone).to.include({ del: 1, set: 0 });
      expect(gone.unchanged).to.deep.equal(['nowhere']);
      expect(await value('a')).to.equal(null);
      const before = await refsNow();
      expect(await send('ada', { del: ['a'] })).to.include({ commit: null });
      expect(await refsNow()).to.deep.equal(before);
      await refused('ada', { del: ['a'], strict: true }, 'NOT_FOUND');
    });

    it('keeps the TTL that a key has, where its writer asks for that', async () => {
      const ttl = new Date(Date.now() + 60_000).toISOString();
      await send('ada', { set: { a: '1' }, ttl });
      const kept = await send('ada', { set: { a: '2' }, keepTtl: true });
      expect(kept.lostTtl).to.deep.equal([]);
      const lost = await send('ada', { set: { a: '3' } });
      expect(lost.lostTtl).to.deep.equal(['a']);
    });

    it('orders the same intent once, however often it comes', async () => {
      const { objects } = await maker.make('ada', { set: { a: '1' } });
      const answers = await Promise.all([gateway.order('ada', objects), gateway.order('ada', objects)]);
      const later = await gateway.order('ada', objects);
      expect(new Set([...answers, later].map(({ commit }) => commit)).size).to.equal(1);
      expect([...answers, later].map(({ retried }) => retried)).to.deep.equal([false, true, true]);
      expect((await read(later.commit ?? '')).parents).to.deep.equal([]);
    });

    it('answers again what it has forgotten, from the ledger', async () => {
      const made = await maker.make('ada', { set: { a: '1' } });
      const first = await gateway.order('ada', made.objects);
      await send('bob', { set: { b: '1' } });
      const restored = await MemoryGateway.start({
        format,
        writers: ['ada', 'bob'],
        policy: sequenced,
        restored: await gateway.backup(),
      });
      try {
        const again = await restored.order('ada', made.objects);
        expect(again).to.include({ commit: first.commit, retried: true, set: 1 });
      } finally {
        await restored.close();
      }
    });

    it('takes no transaction’s id for another intent', async () => {
      const { txn } = await maker.make('ada', {});
      await send('ada', { set: { a: '1' }, txn });
      await refused('bob', { set: { a: '2' }, txn }, 'TRANSACTION_REUSED');
    });

    it('begins an epoch for an admin, and refuses what was made for the one before', async () => {
      const made = await maker.make('ada', { set: { a: '1', b: '2' } });
      const first = await gateway.order('ada', made.objects);
      await send('ada', { del: ['b'], epoch: first.epoch });
      await refused('bob', { beginEpoch: 'next' }, 'SIGNER_UNKNOWN', 'no admin');
      const begun = await send('ada', { beginEpoch: 'next', epoch: first.epoch });
      expect(begun).to.include({ epoch: 'next' });
      expect(parseLedgerMessage((await read(begun.commit ?? '')).message, '')).to.include({
        epoch: 'next',
        parentEpoch: first.epoch,
      });
      const error = await refused('bob', { set: { a: '2' }, epoch: first.epoch }, 'CAS_CONFLICT', 'is in epoch next');
      expect(error.details).to.include({ epoch: 'next' });
      await refused('bob', { set: { a: '2' }, now: Date.now() - 5000 }, 'CAS_CONFLICT', 'is in epoch next');
      expect(await gateway.order('ada', made.objects)).to.include({ commit: first.commit, retried: true });
      await send('bob', { set: { a: '3' }, epoch: 'next' });
      expect(await value('a')).to.equal('3');
      await refused('ada', { beginEpoch: first.epoch, epoch: 'next' }, 'CAS_CONFLICT', 'has or had an epoch');
      expect((await gateway.refs()).has(chunksRef('main', 'next'))).to.equal(false);
    });

    it('refuses intents that are none of its own, or not what they say', async () => {
      await refused('ada', { set: { a: '1' }, signer: null }, 'SIGNATURE_MISSING');
      await refused('ada', { set: { a: '1' }, signer: 'eve' }, 'SIGNER_UNKNOWN', 'no writer');
      await refused('ada', { set: { a: '1' }, ns: 'elsewhere' }, 'POLICY_VIOLATION', 'not in the policy');
      await refused('ada', { set: { a: '1' }, repository: 'f'.repeat(32) }, 'POLICY_VIOLATION', 'made for repository');
      await refused(
        'ada',
        { set: { a: '1' }, commit: (one) => ({ ...one, parents: [one.tree] }) },
        'ATTESTATION_MISMATCH',
        'no parent',
      );
      const other = {
        op: 'set',
        key: 'b',
        size: 1,
        ctype: 'text/plain',
        ttl: null,
        keepTtl: false,
        etag: `blake3:${'0'.repeat(64)}`,
      } as const;
      const file = (at: number) => ({ dir: 'values', at }) as const;
      await refused(
        'ada',
        { set: { a: '1' }, operations: (ops) => [...ops, { ...other, file: file(1) }] },
        'ATTESTATION_MISMATCH',
        'values/',
      );
      await refused('ada', { set: { a: '1' }, operations: () => [] }, 'ATTESTATION_MISMATCH', 'values/');
      await refused(
        'ada',
        { set: { a: '1' }, operations: (ops) => [...ops, ...ops] },
        'ATTESTATION_MISMATCH',
        'invalid operations',
      );
      await refused(
        'ada',
        { set: { a: '1' }, operations: () => [{ ...other, key: 'a', file: file(0) }] },
        'ATTESTATION_MISMATCH',
        'ETag',
      );
      const size = (ops: readonly object[]) => ops.map((one) => ({ ...one, size: 7 }) as never);
      await refused('ada', { set: { a: '1' }, operations: size }, 'ATTESTATION_MISMATCH', 'has not the 7 bytes');
      const lfs = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1\n`;
      await refused('ada', { set: { a: lfs } }, 'POLICY_VIOLATION', 'LFS');
      await refused('ada', { set: { a: 'x'.repeat(3_000_000) } }, 'POLICY_VIOLATION', 'max_value_inline');
    });

    it('takes no intent whose objects are not all there', async () => {
      const { objects } = await maker.make('ada', { set: { a: '1' } });
      for (const left of objects.slice(1)) {
        const error = await gateway
          .order(
            'ada',
            objects.filter((one) => one !== left),
          )
          .then(
            () => null,
            (thrown: unknown) => thrown as KvError,
          );
        expect(error?.code, `without a ${left.type}`).to.equal('ATTESTATION_MISMATCH');
      }
    });

    it('is taken over from the mirror with its intents, by a Stargate that was put back, and goes on', async () => {
      await send('ada', { set: { a: '1' } });
      const backup = await gateway.backup();
      const { epoch } = await send('bob', { set: { a: '2' } });
      await send('ada', { beginEpoch: 'next', epoch });
      await send('bob', { set: { b: '3' }, epoch: 'next' });
      await gateway.mirrored();
      const before = await refsNow();
      await gateway.close();
      gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'], policy: sequenced, restored: backup });
      await refused('ada', { set: { c: '1' } }, 'BEHIND_MIRROR');
      const { left } = await gateway.sync({ ns: 'main', mode: 'adopt' });
      expect(left).to.deep.equal([]);
      const kept = (refs: [string, string][]) => refs.filter(([ref]) => !ref.startsWith('refs/kv-policy/'));
      expect(kept(await refsNow())).to.deep.equal(kept(before));
      await send('ada', { set: { c: '1' }, epoch: 'next' });
    });

    describe('is verified by a reader', () => {
      const report = async (full = true, withIntents = true) => {
        await gateway.mirrored();
        const reader = await openMemoryClient(gateway, 'ada');
        try {
          await fetchNamespace(reader.clone, 'main', 'mirror');
          if (withIntents) {
            const refs = [...(await gateway.refs()).keys()].filter((ref) => /^refs\/kv-(intents|watchlog|archive)\//.test(ref));
            await reader.clone.remotes.fetch(
              'origin',
              'read',
              refs.map((ref) => trackingRequest('mirror', ref)),
            );
          }
          return await verifyClone(reader.clone, reader.verifier, { ns: 'main', full });
        } finally {
          await reader.close();
        }
      };
      const faults = async (full = true): Promise<string[]> => (await report(full)).faults.map(({ what }) => what);

      it('whole, over epochs', async () => {
        const ttl = new Date(Date.now() + 60_000).toISOString();
        const { epoch } = await send('ada', { set: { a: '1', b: 'x' }, ttl });
        await send('bob', { set: { a: '2' }, keepTtl: true, del: ['b'], epoch });
        await send('ada', { beginEpoch: 'next', epoch });
        await send('bob', { set: { c: '3' }, epoch: 'next' });
        const { faults, notes, epochs } = await report();
        expect(faults).to.deep.equal([]);
        expect(notes.map(({ text }) => text)).to.deep.equal(['the watermark is not in this clone']);
        expect(epochs.map(({ transactions }) => transactions)).to.deep.equal([2, 2]);
        expect((await report(false)).faults).to.deep.equal([]);
      });

      it('with the keys of all who have ordered, also once a Stargate that was put back without its key has made another', async () => {
        const { epoch } = await send('ada', { set: { a: '1' } });
        const { sequencer } = gateway;
        const restored = await gateway.backup();
        await gateway.close();
        gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'], policy: sequenced, restored });
        expect(gateway.sequencer.material).to.not.equal(sequencer.material);
        await send('bob', { set: { b: '2' }, epoch });
        expect(await faults()).to.deep.equal([]);
      });

      it('and told what rests on the word of the Stargate, where the intents are not there', async () => {
        await send('ada', { set: { a: '1' } });
        const { faults, notes } = await report(true, false);
        expect(faults).to.deep.equal([]);
        expect(notes.map(({ advice }) => advice?.id)).to.include('fetch-intents');
      });

      /** A Stargate that makes another commit of the last intent than it says. */
      const cheat = async (change: (commit: Commit) => Promise<Commit> | Commit, own = true): Promise<void> => {
        await gateway.mirrored();
        const refs = await gateway.refs();
        const old = refs.get(ledgerRef('main')) ?? '';
        const changed = await change({ ...(await read(old)), signature: null });
        const body = encodeCommit(changed, format);
        const signature = own ? await gateway.sequencer.sign(body) : await gateway.people.signer('ada').sign(body);
        const commit = maker.namer.object('commit', encodeCommit({ ...changed, signature }, format));
        await gateway.store.write([commit]);
        const mirror = placeNamed(gateway.name);
        const moved = new Map(refs).set(ledgerRef('main'), commit.oid);
        const { read: objects } = gateway.store;
        mirror.read = { refs: async () => moved, read: (oids) => objects.call(gateway.store, oids) };
      };

      it('and a tree that is not what the intent makes of its parent is found', async () => {
        const { tree } = await send('ada', { set: { a: '1' } });
        await send('bob', { set: { a: '2' } });
        await cheat((commit) => ({ ...commit, tree: tree ?? '' }));
        expect((await faults()).join('\n')).to.contain('is not what its intent makes of its parent: the ledger tree is');
      });

      it('and so is another author, and another intent', async () => {
        const first = await maker.make('ada', { set: { a: '1' } });
        await gateway.order('ada', first.objects);
        await send('bob', { set: { a: '2' } });
        await cheat((commit) => ({ ...commit, author: commit.author.replace(/bob/g, 'ada') }));
        expect((await faults(false)).join('\n')).to.contain('is not what its intent says: the author is');
        await cheat((commit) => ({ ...commit, message: commit.message.replace(/KV-Intent: .*/, `KV-Intent: ${first.oid}`) }));
        expect((await faults(false)).join('\n')).to.contain('is not what its intent says: KV-Txn is');
        expect((await faults(false)).join('\n')).to.match(
          /refs\/kv-tracking\/mirror\/kv-intents\/.* keeps intent .* where the ledger has intent/,
        );
      });

      it('and so is a commit that another key has signed, were it a writer’s', async () => {
        await send('ada', { set: { a: '1' } });
        await cheat((commit) => commit, false);
        expect((await faults(false)).join('\n')).to.contain('is no sequencer of this Stargate');
      });
    });

    it('takes no ledger commits, and an intent is nothing for a linear namespace', async () => {
      const linear = await MemoryGateway.start({ format, writers: ['ada'] });
      try {
        const own = new IntentMaker(linear.people, linear.repositoryId, format);
        const error = await linear.order('ada', (await own.make('ada', { set: { a: '1' } })).objects).then(
          () => null,
          (thrown: unknown) => thrown as KvError,
        );
        expect(error?.code).to.equal('POLICY_VIOLATION');
        expect(error?.details).to.deep.equal({ ns: 'main', ledger_mode: 'linear' });
      } finally {
        await linear.close();
      }
    });
  });
}
