import { expect } from 'chai';
import { decodeUtf8, utf8 } from '../../domain/git/bytes.js';
import { newEpoch } from '../../domain/client/epochs/new-epoch.js';
import { blame } from '../../domain/client/history/blame.js';
import { diffStates } from '../../domain/client/history/diff.js';
import { type HistoryEntry, keyHistory } from '../../domain/client/history/history.js';
import { readKeyAt } from '../../domain/client/history/read-at.js';
import { planRevert } from '../../domain/client/history/revert.js';
import { completeKeys } from '../../domain/client/read/complete-keys.js';
import { listKeys } from '../../domain/client/read/list.js';
import { type Reading, readKey } from '../../domain/client/read/read.js';
import { readMany } from '../../domain/client/read/read-many.js';
import { waitForMirror } from '../../domain/client/remote/wait.js';
import { readChunks } from '../../domain/client/read/value.js';
import { importKeys } from '../../domain/client/transfer/import/import.js';
import { verifyClone } from '../../domain/client/verify/verify.js';
import { OLDEST, Watch } from '../../domain/client/watch/watch.js';
import type { RequestedOperation } from '../../domain/client/write/operations.js';
import type { Receipt } from '../../domain/client/write/receipt.js';
import type { WriteRequest } from '../../domain/client/write/request.js';
import { write } from '../../domain/client/write/write.js';
import { all } from '../support/all.js';
import { failure } from '../support/failure.js';
import { FORMATS } from '../support/memory/memory.js';
import { importLines } from '../support/memory/import-lines.js';
import { type MemoryClient, openMemoryClient } from '../support/memory/client.js';
import { MemoryGateway } from '../support/memory/gateway.js';

const NS = 'main';
const FRESH = { readFrom: 'mirror', offline: false } as const;

const set = (key: string, text: string): RequestedOperation => ({ op: 'set', key, value: utf8(text), ctype: 'text/plain' });

for (const format of FORMATS) {
  describe(`clients and a gateway in one process (${format})`, () => {
    let gateway: MemoryGateway;
    let people: MemoryClient[];
    let ada: MemoryClient;
    let bob: MemoryClient;
    beforeEach(async () => {
      gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'] });
      people = await Promise.all(['ada', 'bob', 'mallory'].map((person) => openMemoryClient(gateway, person)));
      [ada, bob] = people as [MemoryClient, MemoryClient];
    });
    afterEach(async () => {
      for (const one of people) await one.close();
      await gateway.close();
    });

    const put = (one: MemoryClient, operations: readonly RequestedOperation[], request: Partial<WriteRequest> = {}) =>
      write(one.clone, { ns: NS, operations, ...request });
    const at = async ({ clone }: MemoryClient, key: string, moment?: string): Promise<string> => {
      await gateway.mirrored();
      const asked = { ns: NS, key, allowExpired: false, ...FRESH };
      const { value }: Reading = await (moment === undefined
        ? readKey(clone, asked)
        : readKeyAt(clone, { ...asked, at: moment }));
      if (value instanceof Uint8Array) return decodeUtf8(value) ?? '';
      return Buffer.concat(await all(readChunks(clone, value))).toString();
    };
    const keys = async ({ clone }: MemoryClient, prefix = ''): Promise<string[]> => {
      await gateway.mirrored();
      return (await all(listKeys(clone, { ns: NS, prefix, long: false, allowExpired: false, ...FRESH }))).map(({ key }) => key);
    };
    const history = ({ clone }: MemoryClient, key: string): Promise<HistoryEntry[]> =>
      all(keyHistory(clone, { ns: NS, key, epochs: true, ...FRESH }));

    it('what one sets, the other gets and lists, from the mirror; what is deleted is gone', async () => {
      await put(ada, [set('cfg:a', 'one'), set('cfg:b', 'two'), set('user:1', 'x')]);
      expect(await at(bob, 'cfg:a')).to.equal('one');
      expect(await keys(bob, 'cfg:')).to.deep.equal(['cfg:a', 'cfg:b']);
      const { del, landed } = await put(bob, [{ op: 'del', key: 'cfg:b' }]);
      expect([del, landed]).to.deep.equal([['cfg:b'], 'stargate']);
      expect(await keys(ada)).to.deep.equal(['cfg:a', 'user:1']);
      await failure(at(ada, 'cfg:b'), 'NOT_FOUND');
      expect([...gateway.mirror.refs.keys()]).to.include.members([
        'refs/kv/main',
        'refs/kv-mirror/main',
        'refs/kv-policy/current',
      ]);
    });

    it('many keys are read from one state, in a few requests to the store; what is not there is told for each', async () => {
      const many = Array.from({ length: 300 }, (_, i) => set(`n:${i}`, `${i}`));
      const past = { ...set('past', 'x'), expiresAt: 1000 } as RequestedOperation;
      const { commit } = await put(ada, [...many, past], { maxInline: 1024 });
      await put(ada, [set('n:0', 'new'), { op: 'del', key: 'n:1' }]);
      await gateway.mirrored();
      let requests = 0;
      const { store } = bob.clone;
      const counting = { ...bob.clone, store: Object.create(store) as typeof store };
      counting.store.readPaths = (...args) => {
        requests++;
        return store.readPaths(...args);
      };
      const request = { ns: NS, allowExpired: false, ...FRESH };
      const keys = [...many.map(({ key }) => key), 'past', 'none', '', 'n:0'];
      const found = await all(readMany(counting, request, keys));
      expect(found.map(({ key }) => key)).to.deep.equal(keys);
      expect(requests).to.be.lessThan(6);
      const failed = found.flatMap((one) => ('error' in one ? [[one.key, one.error.code]] : []));
      expect(failed).to.deep.equal([
        ['n:1', 'NOT_FOUND'],
        ['past', 'EXPIRED'],
        ['none', 'NOT_FOUND'],
        ['', 'KEY_INVALID'],
      ]);
      const texts = found.map((one) => ('reading' in one ? decodeUtf8(one.reading.value as Uint8Array) : null));
      expect([texts[0], texts[2], texts.at(-1)]).to.deep.equal(['new', '2', 'new']);
      const then = await all(readMany(bob.clone, { ...request, at: commit ?? '' }, ['n:0', 'n:1']));
      expect(then.every((one) => 'reading' in one)).to.equal(true);
    });

    it('a state is named as people say times, and what a wait has seen is kept for a verification', async () => {
      const first = await put(ada, [set('a', '1')]);
      await gateway.mirrored();
      const { watermark } = await waitForMirror(ada.clone, { ns: NS, oid: first.commit ?? '', timeoutMs: 1000 });
      expect(
        (await ada.clone.store.refs(['refs/kv-tracking/mirror/kv-mirror/main'])).get('refs/kv-tracking/mirror/kv-mirror/main'),
      ).to.equal(watermark);
      expect(await at(bob, 'a', 'now')).to.equal('1');
      await failure(at(bob, 'a', '2 weeks ago'), 'NOT_FOUND');
      await failure(at(bob, 'a', 'some day'), 'USAGE');
    });

    it('keys are completed from what a clone has; of many, the next part, without reading them all', async () => {
      const many = [
        'a:x/1',
        'a:x/2',
        'a:y',
        ...Array.from({ length: 30 }, (_, i) => `b:${i}:k`),
        'c%:ü:1',
        'c%:ü:2',
        'gone:1',
        'short',
      ];
      await put(ada, [...many.map((key) => set(key, key)), { ...set('ttl', 'x'), expiresAt: 1000 } as RequestedOperation]);
      await put(ada, [{ op: 'del', key: 'gone:1' }]);
      const complete = (prefix: string, limit: number): Promise<string[]> => completeKeys(ada.clone, { ns: NS, prefix, limit });
      expect(await complete('a', 3)).to.deep.equal(['a:x/1', 'a:x/2', 'a:y']);
      expect(await complete('a:', 2)).to.deep.equal(['a:x/', 'a:y']);
      expect(await complete('', 6)).to.have.members(['a:', 'b:', 'c%:', 'short', 'ttl']);
      expect(await complete('b:', 6)).to.deep.equal(['b:0:', 'b:10:', 'b:11:', 'b:12:', 'b:13:', 'b:14:']);
      expect(await complete('c%:', 1)).to.deep.equal(['c%:ü:']);
      expect(await complete('gone', 5)).to.deep.equal([]);
      expect(await completeKeys(bob.clone, { ns: NS, prefix: '', limit: 9 })).to.deep.equal([]); // has fetched nothing
    });

    it('a large value goes over in chunks, and comes back whole', async () => {
      const text = 'a long value '.repeat(9000);
      const { chunked } = await put(ada, [set('big', text)], { maxInline: 1024 });
      expect(chunked).to.have.length(1);
      expect(await at(bob, 'big')).to.equal(text);
    });

    it('who loses a race reads again and writes again; who expects a tree is told', async () => {
      const { tree } = await put(ada, [set('a', '1')]);
      await put(bob, [set('b', '1')]); // ada's clone knows nothing of it
      const again = await put(ada, [set('a', '2')]);
      expect(again.retries).to.equal(1);
      const error = await failure(put(bob, [set('b', '2')], { expectTree: tree ?? '' }), 'CAS_CONFLICT');
      expect(error.details).to.include({ tree: again.tree });
      const receipts = await Promise.all([ada, bob, ada, bob].map((one, i) => put(one, [set(`race:${i}`, `${i}`)])));
      expect(new Set(receipts.map(({ commit }) => commit)).size).to.equal(4);
      expect(await keys(bob)).to.deep.equal(['a', 'b', 'race:0', 'race:1', 'race:2', 'race:3']);
      expect((await history(bob, 'a')).map(({ commit }) => commit)).to.include(again.commit);
    });

    it('a TTL that is lost without a word is warned of; it can be kept', async () => {
      const hour = ada.clone.clock.now() + 3_600_000;
      await put(ada, [{ ...set('k', '1'), expiresAt: hour }, set('gone', 'x'), set('plain', '1')] as RequestedOperation[]);
      await put(ada, [{ op: 'del', key: 'gone' }]);
      const ttl = async (key: string): Promise<string | null> => {
        await gateway.mirrored();
        return (await readKey(bob.clone, { ns: NS, key, allowExpired: false, ...FRESH })).meta.ttl;
      };
      const again = (priorTtl: 'keep' | 'warn', ...keys: string[]): Promise<Receipt> =>
        put(
          ada,
          keys.map((key) => ({ op: 'set', key, value: utf8(`${Math.random()}`), priorTtl })),
        );
      const all3 = ['k', 'gone', 'plain'];
      expect((await again('keep', ...all3)).lostTtl).to.deep.equal([]);
      expect([await ttl('k'), await ttl('plain')]).to.deep.equal([new Date(hour).toISOString(), null]);
      expect(
        (await put(ada, [{ ...set('k', '2'), priorTtl: 'warn', expiresAt: hour + 1 } as RequestedOperation])).lostTtl,
      ).to.deep.equal([]);
      expect((await again('warn', ...all3)).lostTtl).to.deep.equal(['k']);
      expect(await ttl('k')).to.equal(null);
      await put(ada, [{ ...set('k', '1'), expiresAt: hour } as RequestedOperation]);
      expect((await put(ada, [set('k', 'said so')])).lostTtl).to.deep.equal([]);
      await put(ada, [{ ...set('past', '1'), expiresAt: 1000 } as RequestedOperation]);
      const expired = await failure(again('keep', 'past'), 'EXPIRED');
      expect(expired.advice?.id).to.equal('give-ttl');
    });

    it('what the gateway refuses, the client is told as over a connection', async () => {
      await put(ada, [set('a', '1')]);
      const stranger = people[2] as MemoryClient;
      await failure(put(stranger, [set('a', '2')]), 'IO_ERROR');
      const refused = await failure(newEpoch(bob.clone, NS, 'bobs'), 'SIGNER_UNKNOWN');
      expect(refused.message).to.contain('admin');
      expect((await gateway.refs()).has('refs/kv-archive/main@bobs')).to.equal(false);
    });

    it('an import that is more than one push may bring is split by itself, and a write is refused before anything is written', async () => {
      await gateway.close();
      const policy = (text: string): string => text.replace('max_push_objects: 1000000', 'max_push_objects: 1000');
      gateway = await MemoryGateway.start({ format, policy });
      const eve = await openMemoryClient(gateway, 'ada');
      people.push(eve);
      await put(eve, [set('first', '1')]);
      const operations = Array.from({ length: 400 }, (_, i) => set(`k:${i}`, `value ${i}`));
      const error = await failure(put(eve, operations), 'POLICY_VIOLATION');
      expect(error.message).to.match(
        /^the push has \d{4} objects, more than the 1000 that max_push_objects of the policy allows$/,
      );
      const source = importLines(
        400,
        (i) => `k:${i}`,
        (i) => `value ${i}`,
      );
      const request = { ns: NS, source, strip: '', addPrefix: '', skip: 0, dryRun: false, timeoutMs: 1000 };
      const { transactions, warnings, set: written } = await importKeys(eve.clone, request);
      expect([written, transactions.map((one) => one.operations)]).to.deep.equal([400, [117, 117, 117, 49]]);
      expect(warnings.join()).to.include('4 transactions of 117');
    });

    it('an import lands, in as many transactions as are asked for', async () => {
      const report = await importKeys(ada.clone, {
        ...{ ns: NS, strip: 'cfg:', addPrefix: 'in:', batch: 10, skip: 0, dryRun: false, timeoutMs: 1000 },
        source: importLines(25, (i) => `cfg:${i}`),
      });
      expect([report.set, report.transactions.length]).to.deep.equal([25, 3]);
      expect(await keys(bob, 'in:')).to.have.length(25);
      expect(await at(bob, 'in:24')).to.equal('24');
    });

    it('the past is read over epochs, put back, and told apart', async () => {
      const first = await put(ada, [set('a', 'old'), set('b', 'same')]);
      const began = await newEpoch(ada.clone, NS, 'second');
      expect([began.epoch, began.landed]).to.deep.equal(['second', 'stargate']);
      const second = await put(bob, [set('a', 'new')]);
      expect(second.epoch).to.equal('second');
      expect(await at(bob, 'a')).to.equal('new');
      expect(await at(bob, 'a', first.commit ?? '')).to.equal('old');
      expect((await history(ada, 'a')).map(({ commit, epoch, signer }) => [commit, epoch, signer])).to.deep.equal([
        [second.commit, 'second', 'bob'],
        [first.commit, first.epoch, 'ada'],
      ]);
      const { changes } = await diffStates(ada.clone, { ns: NS, from: first.commit ?? '', prefix: '', ...FRESH });
      expect(changes.map(({ key }) => key)).to.deep.equal(['a']);
      const blamed = await all(blame(ada.clone, { ns: NS, prefix: '', commits: true, ...FRESH }));
      expect(blamed.map(({ key, commit }) => [key, commit])).to.deep.equal([
        ['a', second.commit],
        ['b', first.commit],
      ]);
      await write(ada.clone, { ns: NS, ...(await planRevert(ada.clone, NS, second.txn ?? '')) });
      expect(await at(bob, 'a')).to.equal('old');
    });

    it('a watch tells of every transaction once, in order, over epochs, as it comes', async () => {
      const made: Receipt[] = [await put(ada, [set('a', '1')]), await put(bob, [set('b', '1')])];
      await newEpoch(ada.clone, NS, 'second');
      await gateway.mirrored();
      const seen: (readonly string[] | null)[] = [];
      const watch = new Watch(bob.clone, { ns: NS, since: OLDEST, readFrom: 'mirror', limit: 4, intervalMs: 1 });
      for await (const { oid, keys: changed, epoch } of watch) {
        seen.push(changed?.set ?? null);
        if (seen.length <= 2) expect(oid).to.equal(made[seen.length - 1]?.commit);
        if (seen.length === 3) {
          expect(epoch).to.equal('second');
          await put(ada, [set('c', '1')]);
        }
      }
      expect(seen).to.deep.equal([['a'], ['b'], [], ['c']]);
    });

    it('a full verification finds nothing in what was fetched, and then an index ref that leads to no index', async () => {
      await put(ada, [set('a', '1'), set('big', 'x'.repeat(5000))], { maxInline: 1024 });
      await newEpoch(ada.clone, NS, 'second');
      await put(bob, [set('a', '2')]);
      await at(ada, 'big');
      await all(new Watch(ada.clone, { ns: NS, since: OLDEST, readFrom: 'mirror', once: true }));
      const report = await verifyClone(ada.clone, ada.verifier, { ns: NS, full: true });
      expect(report.faults).to.deep.equal([]);
      expect(report.epochs.map(({ label }) => label)).to.have.length(2);
      const tracked = 'refs/kv-tracking/mirror/kv-index/main';
      const old = (await ada.clone.store.refs([tracked])).get(tracked) as string;
      const next =
        (await ada.clone.store.refs(['refs/kv-tracking/mirror/kv/main'])).get('refs/kv-tracking/mirror/kv/main') ?? null;
      await ada.clone.store.updateRefs([{ ref: tracked, old, next }], 'spoilt');
      const spoilt = await verifyClone(ada.clone, ada.verifier, { ns: NS, full: true });
      expect(spoilt.faults.map(({ what }) => what).join()).to.contain(tracked);
    });
  });
}
