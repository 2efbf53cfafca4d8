import { expect } from 'chai';
import { placeNamed } from '../../adapters/remote-memory/open.js';
import { newEpoch } from '../../domain/client/epochs/new-epoch.js';
import { keyHistory } from '../../domain/client/history/history.js';
import { planRestore } from '../../domain/client/history/restore.js';
import { planRevert } from '../../domain/client/history/revert.js';
import { listKeys } from '../../domain/client/read/list.js';
import { type Reading, readKey } from '../../domain/client/read/read.js';
import { readChunks } from '../../domain/client/read/value.js';
import { importKeys } from '../../domain/client/transfer/import/import.js';
import { acknowledgedWrite } from '../../domain/client/write/acknowledged-write.js';
import type { RequestedOperation } from '../../domain/client/write/operations.js';
import type { Receipt } from '../../domain/client/write/receipt.js';
import type { WriteRequest } from '../../domain/client/write/request.js';
import { write } from '../../domain/client/write/write.js';
import { decodeUtf8, utf8 } from '../../domain/git/bytes.js';
import { indexRef, ledgerRef, strandedRef, trackingRef } from '../../domain/ledger/refs.js';
import { KvError } from '../../ports/error.js';
import type { Policy } from '../../ports/stargate/policy-reader.js';
import type { Oid } from '../../ports/vocabulary.js';
import { all } from '../support/all.js';
import { failure } from '../support/failure.js';
import { FORMATS } from '../support/memory/memory.js';
import { type MemoryClient, openMemoryClient } from '../support/memory/client.js';
import { MemoryGateway } from '../support/memory/gateway.js';

const NS = 'main';
const MIRROR = { readFrom: 'mirror', offline: false } as const;
const sequenced = (text: string): string => text.replace('ledger_mode: linear', 'ledger_mode: sequenced');
const set = (key: string, text: string): RequestedOperation => ({ op: 'set', key, value: utf8(text), ctype: 'text/plain' });
const del = (key: string): RequestedOperation => ({ op: 'del', key });

const WAYS = [
  ...FORMATS.map((format) => ({ format, way: 'stream' }) as const),
  { format: 'sha1', way: 'push' } as const, // a Stargate, or a way to it, without streams
];

for (const { format, way } of WAYS) {
  describe(`writers of a sequenced ledger (${format}, by ${way})`, () => {
    let gateway: MemoryGateway;
    let people: MemoryClient[];
    let ada: MemoryClient;
    let bob: MemoryClient;
    const open = async (person: string): Promise<MemoryClient> => {
      const client = await openMemoryClient(gateway, person);
      people.push(client);
      return client;
    };
    beforeEach(async () => {
      people = [];
      gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'], policy: sequenced });
      if (way === 'push') placeNamed(gateway.name).intents = null;
      [ada, bob] = [await open('ada'), await open('bob')];
    });
    afterEach(async () => {
      for (const one of people) await one.close();
      await gateway.close();
    });

    const put = (one: MemoryClient, operations: readonly RequestedOperation[], request: Partial<WriteRequest> = {}) =>
      write(one.clone, { ns: NS, operations, ...request });
    const read = ({ clone }: MemoryClient, key: string): Promise<Reading> =>
      readKey(clone, { ns: NS, key, allowExpired: false, ...MIRROR });
    const get = async (one: MemoryClient, key: string): Promise<string> => {
      const { value } = await read(one, key);
      if (value instanceof Uint8Array) return decodeUtf8(value) ?? '';
      return Buffer.concat(await all(readChunks(one.clone, value))).toString();
    };
    const keys = async ({ clone }: MemoryClient): Promise<string[]> =>
      (await all(listKeys(clone, { ns: NS, prefix: '', long: false, allowExpired: false, ...MIRROR }))).map(({ key }) => key);

    it('a clone that has fetched nothing writes, and has nothing of the ledger afterwards', async () => {
      await put(
        bob,
        Array.from({ length: 50 }, (_, i) => set(`k:${i}`, `${i}`)),
      );
      const receipt = await put(ada, [set('a', '1'), del('none')]);
      expect(receipt).to.deep.include({ set: ['a'], del: [], unchanged: ['none'], bytes: 1, retries: 0, landed: 'stargate' });
      expect(receipt.warnings).to.deep.equal(['key "none" is not there: nothing to delete']);
      const tip = (await gateway.refs()).get(ledgerRef(NS));
      expect(receipt.commit).to.equal(tip);
      const refs = [...(await ada.clone.store.refs(['refs/'])).keys()];
      expect(refs).to.deep.equal(way === 'stream' ? ['refs/kv-tracking/stargate/kv-policy/current'] : refs);
      if (way === 'stream') expect(await ada.clone.store.headers([receipt.commit ?? ''])).to.deep.equal([null]);
    });

    it('writers of different keys never meet, and what one key must be is judged when its turn has come', async () => {
      await put(bob, [set('b', '1')]);
      const first = await put(ada, [set('a', '1')]);
      const receipts = await Promise.all(
        Array.from({ length: 20 }, (_, i) => put(i % 2 ? ada : bob, [set(`race:${i}`, `${i}`)])),
      );
      expect(receipts.map(({ retries }) => retries)).to.deep.equal(Array(20).fill(0));
      expect(new Set(receipts.map(({ commit }) => commit)).size).to.equal(20);
      const valueOid = (await read(ada, 'a')).oid;
      await put(bob, [set('a', '2')], { expectBlobs: new Map([['a', valueOid]]) });
      const error = await failure(put(ada, [set('a', '3')], { expectBlobs: new Map([['a', valueOid]]) }), 'CAS_CONFLICT');
      expect(error.details).to.include({ key: 'a' });
      await put(ada, [set('new', '1')], { expectBlobs: new Map([['new', null]]) });
      await failure(put(ada, [set('new', '2')], { expectBlobs: new Map([['new', null]]) }), 'CAS_CONFLICT');
      const stale = await failure(put(ada, [set('a', '3')], { expectTree: first.tree ?? '' }), 'CAS_CONFLICT');
      const { tree } = await put(ada, [set('a', '3')], { expectTree: String(stale.details?.['tree']) });
      expect(tree).to.match(/^[0-9a-f]{40,64}$/);
      expect(await get(bob, 'a')).to.equal('3');
    });

    it('a deletion that must find something says so; nothing to change is no commit', async () => {
      await put(ada, [set('a', '1')]);
      const error = await failure(put(ada, [del('b')], { strictDelete: true }), 'NOT_FOUND');
      expect(error.advice?.id).to.equal('list-keys');
      const nothing = await put(ada, [del('b')]);
      expect(nothing).to.include({ commit: null, txn: null, landed: 'nowhere' });
      expect((await put(ada, [del('a')])).del).to.deep.equal(['a']);
    });

    it('a TTL is kept or lost as the key has it when it is ordered', async () => {
      const hour = Math.floor(ada.clone.clock.now() / 1000) * 1000 + 3_600_000;
      await put(ada, [{ ...set('k', '1'), expiresAt: hour } as RequestedOperation, set('plain', '1')]);
      const again = (priorTtl: 'keep' | 'warn'): Promise<Receipt> =>
        put(
          bob,
          ['k', 'plain'].map((key) => ({ op: 'set', key, value: utf8(priorTtl), priorTtl })),
        );
      expect((await again('keep')).lostTtl).to.deep.equal([]);
      expect((await read(bob, 'k')).meta.ttl).to.equal(new Date(hour).toISOString());
      expect((await read(bob, 'plain')).meta.ttl).to.equal(null);
      expect((await again('warn')).lostTtl).to.deep.equal(['k']);
      await put(ada, [{ ...set('k', '1'), expiresAt: hour } as RequestedOperation]);
      expect((await put(ada, [set('k', '2')])).lostTtl).to.deep.equal([]); // its writer said nothing of it on purpose
      expect((await read(bob, 'k')).meta.createdBy).to.equal('ada@example.org');
    });

    it('a large value goes in chunks; of an edit, those that this clone knows to be there are left out', async () => {
      const text = Array.from({ length: 120_000 }, (_, i) => (i * 2654435761) % 2 ** 32).join(' ');
      const { chunked } = await put(ada, [set('big', text), set('small', 'x')], { maxInline: 1024 });
      expect(chunked).to.have.length(1);
      expect(await get(bob, 'big')).to.equal(text);
      const [edit] = (await put(bob, [set('big', `${text}and more`)], { maxInline: 1024 })).chunked;
      expect([(edit?.chunks ?? 0) > 1, edit?.reused]).to.deep.equal([true, (edit?.chunks ?? 0) - 1]);
      expect(await get(ada, 'big')).to.equal(`${text}and more`);
      const [more] = (await put(ada, [set('big', `more, ${text}`)], { maxInline: 1024 })).chunked;
      expect(more?.reused).to.be.greaterThan(0);
      const fresh = await open('bob');
      await put(fresh, [set('copy', text)], { maxInline: 1024 });
      expect(await get(fresh, 'copy')).to.equal(text);
    });

    it('an epoch begins by intent; a clone that knows the one before writes into the new one', async () => {
      const first = await put(bob, [set('a', '1'), set('big', 'x'.repeat(5000))], { maxInline: 1024 });
      const began = await newEpoch(ada.clone, NS, 'second');
      expect(began).to.include({ epoch: 'second', parentEpoch: first.epoch, parentLedger: first.commit, landed: 'stargate' });
      expect(began.commit).to.equal((await gateway.refs()).get(ledgerRef(NS)));
      const second = await put(bob, [set('big', 'x'.repeat(5001))], { maxInline: 1024 });
      expect([second.epoch, await get(bob, 'big')]).to.deep.equal(['second', 'x'.repeat(5001)]);
      expect((await failure(newEpoch(bob.clone, NS, 'bobs'), 'SIGNER_UNKNOWN')).message).to.contain('admin');
      expect((await failure(newEpoch(ada.clone, NS, 'second'), 'CAS_CONFLICT')).message).to.contain('second');
      await failure(newEpoch(ada.clone, 'none', 'x'), 'NOT_FOUND');
    });

    it('what a clone writes it reads, though the mirror has not shown it', async () => {
      await put(bob, [set('a', '0')]);
      await gateway.mirrored();
      expect([await get(ada, 'a'), await get(bob, 'a')]).to.deep.equal(['0', '0']);
      gateway.mirror.away = true;
      const { commit } = await put(ada, [set('a', '1'), set('b', '1')]);
      expect(await get(ada, 'a')).to.equal('1');
      expect(await get(bob, 'a')).to.equal('0'); // who has not written reads the mirror
      await put(ada, [set('c', '1')]);
      expect(await keys(ada)).to.deep.equal(['a', 'b', 'c']);
      const [entry] = await all(keyHistory(ada.clone, { ns: NS, key: 'b', epochs: true, ...MIRROR }));
      expect(entry?.commit).to.equal(commit);
    });

    it('a read that cannot have what the clone wrote says so', async () => {
      const warnings: string[] = [];
      const clone = { ...ada.clone, onWarning: (text: string) => warnings.push(text) };
      const asked = { ns: NS, key: 'a', allowExpired: false };
      await put(bob, [set('a', '0')]);
      await gateway.mirrored();
      await readKey(clone, { ...asked, ...MIRROR });
      gateway.mirror.away = true;
      const { commit } = await put(ada, [set('a', '1')]);
      const text = ({ value }: Reading): string => decodeUtf8(value as Uint8Array) ?? '';
      expect(text(await readKey(clone, { ...asked, readFrom: 'mirror', offline: true }))).to.equal('0');
      placeNamed(gateway.name).away.add('write');
      expect(text(await readKey(clone, { ...asked, ...MIRROR }))).to.equal('0');
      expect(warnings.map((one) => one.includes(commit ?? '?'))).to.deep.equal([true, true]);
      placeNamed(gateway.name).away.delete('write');
      expect(text(await readKey(clone, { ...asked, ...MIRROR }))).to.equal('1');
      expect(text(await readKey(clone, { ...asked, readFrom: 'mirror', offline: true }))).to.equal('1');
      expect(warnings).to.have.length(2);
    });

    it('a wait for the mirror takes the commit that was answered', async () => {
      const { receipt, visible } = await acknowledgedWrite(ada.clone, {
        ...{ ns: NS, operations: [set('a', '1')], wait: true, timeoutMs: 5000 },
      });
      expect(visible?.oid).to.equal(receipt.commit);
      let asked = 0;
      const remotes = new Proxy(ada.clone.remotes, {
        get: (target, name) => {
          if (name !== 'fetch') return Reflect.get(target, name) as unknown;
          return (...args: Parameters<typeof target.fetch>) => {
            if (args[1] === 'write') asked++;
            return target.fetch(...args);
          };
        },
      });
      expect(await get({ ...ada, clone: { ...ada.clone, remotes } }, 'a')).to.equal('1');
      expect(asked).to.equal(0);
    });

    it('an import, a restore and a revert are intents, too', async () => {
      const lines = Array.from({ length: 25 }, (_, i) => `${JSON.stringify({ op: 'set', key: `cfg:${i}`, value: `${i}` })}\n`);
      const report = await importKeys(ada.clone, {
        ...{ ns: NS, strip: '', addPrefix: '', batch: 10, skip: 0, dryRun: false, timeoutMs: 1000 },
        source: {
          name: 'batch.ndjson',
          async *open() {
            yield utf8(lines.join(''));
          },
          file: async () => ({ fault: 'there is none' }),
        },
      });
      expect([report.set, report.transactions.length]).to.deep.equal([25, 3]);
      const before = report.last?.commit ?? '';
      const changed = await put(bob, [set('cfg:1', 'new'), del('cfg:2')]);
      await put(ada.clone === bob.clone ? bob : ada, [set('cfg:3', 'other')]);
      await write(ada.clone, { ns: NS, ...(await planRevert(ada.clone, NS, changed.txn ?? '')) });
      expect([await get(ada, 'cfg:1'), await get(ada, 'cfg:2')]).to.deep.equal(['1', '2']);
      await write(ada.clone, { ns: NS, ...(await planRestore(ada.clone, { ns: NS, at: before, keys: ['cfg:3'] })) });
      expect(await get(ada, 'cfg:3')).to.equal('3');
    });

    it('more than one transaction may have is refused before anything is sent; an import is split by itself', async () => {
      await put(ada, [set('a', '1')]);
      const operations = Array.from({ length: 100_001 }, (_, i) => del(`k:${i}`));
      const error = await failure(put(ada, operations), 'POLICY_VIOLATION');
      expect(error.details).to.deep.include({ limit: 100_000, operations: 100_001 });
      await gateway.publishText((text) => text.replace('max_push_objects: 1000000', 'max_push_objects: 1000'));
      const fresh = await open('ada');
      const text = Array.from({ length: 1500 }, (_, i) => JSON.stringify({ op: 'set', key: `k:${i}`, value: `${i}` })).join('\n');
      const report = await importKeys(fresh.clone, {
        ...{ ns: NS, strip: '', addPrefix: '', skip: 0, dryRun: false, timeoutMs: 1000 },
        source: {
          name: 'batch.ndjson',
          async *open() {
            yield utf8(`${text}\n`);
          },
          file: async () => ({ fault: 'there is none' }),
        },
      });
      expect(report.transactions.map((one) => one.operations)).to.deep.equal([994, 506]);
    });

    it('a dry run tells what would change by the state as it is fetched, and sends nothing', async () => {
      await put(bob, [set('a', '1')]);
      const before = await gateway.refs();
      const dry = await put(ada, [set('b', '1'), del('a')], { dryRun: true });
      expect([dry.set, dry.del, dry.landed]).to.deep.equal([['b'], ['a'], 'nowhere']);
      expect((await gateway.refs()).get(ledgerRef(NS))).to.equal(before.get(ledgerRef(NS)));
    });

    it('what is refused leaves no ref behind, here or there', async () => {
      await put(ada, [set('a', '1')]);
      await gateway.mirrored();
      const [here, there] = [await ada.clone.store.refs(['refs/']), await gateway.refs()];
      const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1\n`;
      await failure(put(ada, [set('lfs', pointer)]), 'POLICY_VIOLATION');
      await failure(put(ada, [set('k'.repeat(600), '1')]), 'KEY_INVALID');
      const stranger = await open('mallory');
      await failure(put(stranger, [set('a', '2')]), 'IO_ERROR');
      await failure(put(ada, [set('a', '2')], { expectBlobs: new Map([['a', null]]) }), 'CAS_CONFLICT');
      await gateway.mirrored();
      expect(await ada.clone.store.refs(['refs/'])).to.deep.equal(here);
      expect(await gateway.refs()).to.deep.equal(there);
    });

    it('a ledger that was begun in the clone, and never shown, makes room and is kept', async () => {
      const lone = await open('ada');
      const place = placeNamed(gateway.name);
      const [writing, reading] = [place.write, place.read];
      [place.write, place.read] = [null, null];
      const own = await put(lone, [set('mine', '1')]);
      [place.write, place.read] = [writing, reading];
      expect(own.landed).to.equal('clone');
      const { warnings } = await put(lone, [set('a', '1')]);
      expect(warnings.join()).to.contain(strandedRef(NS));
      const refs = await lone.clone.store.refs([ledgerRef(NS), indexRef(NS), strandedRef(NS)]);
      expect([...refs]).to.deep.equal([[strandedRef(NS), own.commit]]);
      expect(await keys(lone)).to.deep.equal(['a']);
    });

    describe('when the policy changes', () => {
      const withMode = (mode: 'linear' | 'sequenced', policy = gateway.policy): Policy => ({
        ...policy,
        namespaces: new Map([...policy.namespaces].map(([ns, own]) => [ns, { ...own, ledgerMode: mode }])),
      });

      it('to linear, and back, the clone that knows the old one writes in the new way', async () => {
        await put(ada, [set('a', '1')]);
        await gateway.publishMode('linear');
        const linear = await put(ada, [set('a', '2')]);
        expect(await get(bob, 'a')).to.match(/^[12]$/);
        expect((await ada.clone.store.refs([ledgerRef(NS)])).get(ledgerRef(NS))).to.equal(linear.commit);
        await gateway.publishMode('sequenced');
        const back = await put(ada, [set('a', '3')]);
        expect((await gateway.refs()).get(ledgerRef(NS))).to.equal(back.commit);
        expect((await ada.clone.store.refs([ledgerRef(NS)])).get(ledgerRef(NS))).to.equal(linear.commit); // no tip that is not here
        expect(await get(ada, 'a')).to.equal('3');
        await gateway.publishMode('linear');
        await newEpoch(ada.clone, NS, 'linears');
        await gateway.publishMode('sequenced');
        expect((await newEpoch(ada.clone, NS, 'ordered')).parentEpoch).to.equal('linears');
      });

      it('and nobody has published it yet, the write fails with what the Stargate says', async () => {
        await put(ada, [set('a', '1')]);
        gateway.policyNow = () => withMode('linear');
        const error = await failure(put(ada, [set('a', '2')]), 'POLICY_VIOLATION');
        expect(error.details).to.include({ ns: NS });
      });

      it('to smaller values, a value that was cut by the old one is refused, and nothing is sent twice', async () => {
        await put(ada, [set('a', '1')]);
        await gateway.publishText((text) => text.replace(/max_value_(total|inline): .*/g, 'max_value_$1: 10'));
        await failure(put(ada, [set('a', 'more than ten bytes')]), 'POLICY_VIOLATION');
      });

      it('to a default TTL, the value gets one', async () => {
        await put(ada, [set('a', '1')]);
        await gateway.publishText((text) => text.replace('enforce_readside: true', 'enforce_readside: true, ttl_default: 1h'));
        await put(ada, [set('a', '2')]);
        expect((await read(ada, 'a')).meta.ttl).to.match(/^\d{4}-/);
      });
    });

    if (way === 'push') return;

    it('an intent larger than a frame is pushed', async () => {
      await put(ada, [set('a', '1')]);
      const limits = { ...gateway.policy.limits, intentBytes: 2000 };
      gateway.policyNow = () => ({ ...gateway.policy, limits });
      gateway.cutStreams();
      const receipt = await put(ada, [set('a', 'x'.repeat(3000)), del('none')]);
      expect([receipt.set, receipt.unchanged]).to.deep.equal([['a'], ['none']]);
      expect((await gateway.refs()).get(ledgerRef(NS))).to.equal(receipt.commit);
      expect(await get(ada, 'a')).to.have.length(3000);
    });

    const unheard: readonly (readonly [string, KvError])[] = [
      ['has no room for another stream', new KvError('BUSY', 'no room')],
      ['cuts streams off before it has said a word', new KvError('IO_ERROR', 'gone', { details: { sent: 'cut' } })],
    ];
    for (const [what, error] of unheard) {
      it(`a write waits for a Stargate that ${what}`, async () => {
        const place = placeNamed(gateway.name);
        const { intents } = place;
        let refusals = 2;
        place.intents = { serve: async (stream) => (refusals-- > 0 ? Promise.reject(error) : intents?.serve(stream)) };
        const clock = { now: () => Date.now(), sleep: async () => undefined };
        const { commit } = await write({ ...ada.clone, clock }, { ns: NS, operations: [set('a', '1')] });
        expect([commit, refusals]).to.deep.equal([(await gateway.refs()).get(ledgerRef(NS)), -1]);
      });
    }

    describe('when the connection breaks', () => {
      it('after the intent was ordered, it is sent again and has the same answer', async () => {
        let ordered: Oid | null = null;
        gateway.ordering = async (order) => {
          const answer = await order();
          gateway.ordering = (next) => next();
          ordered = (await gateway.refs()).get(ledgerRef(NS)) ?? null;
          gateway.cutStreams();
          await new Promise(() => undefined); // the answer never leaves
          return answer;
        };
        const { commit, set: keysSet } = await put(ada, [set('a', '1')]);
        expect([commit, keysSet]).to.deep.equal([ordered, ['a']]);
        expect(await all(keyHistory(ada.clone, { ns: NS, key: 'a', epochs: true, ...MIRROR }))).to.have.length(1);
      });

      it('before it was ordered, it is sent again and ordered once', async () => {
        gateway.ordering = async (order) => {
          gateway.ordering = (next) => next();
          gateway.cutStreams();
          return order();
        };
        const receipts = await Promise.all([put(ada, [set('a', '1')]), put(ada, [set('b', '1')])]);
        expect(new Set(receipts.map(({ commit }) => commit)).size).to.equal(2);
        for (const key of ['a', 'b']) {
          expect(await all(keyHistory(ada.clone, { ns: NS, key, epochs: true, ...MIRROR }))).to.have.length(1);
        }
      });

      it('and nobody answers any more, the error names the transaction', async () => {
        let now = 0;
        const began = Date.now();
        const clock = {
          now: () => began + now,
          sleep: async (ms: number) => {
            now += ms;
          },
        };
        await put(ada, [set('a', '1')]);
        gateway.ordering = async (order) => {
          placeNamed(gateway.name).away.add('write');
          gateway.cutStreams();
          return order();
        };
        const error = await failure(write({ ...ada.clone, clock }, { ns: NS, operations: [set('a', '2')] }), 'IO_ERROR');
        expect(error.details).to.include({ ns: NS, landed: 'unknown' });
        expect(error.message).to.contain(String(error.details?.['txn']));
        expect(error.advice?.id).to.equal('look-for-transaction');
      });
    });

    it('an epoch that begins does not disturb what is open on the same stream', async () => {
      await put(ada, [set('a', '1')]);
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      let slow: Promise<Receipt> = Promise.reject(new Error('not asked yet'));
      slow.catch(() => undefined);
      await new Promise<void>((arrived) => {
        gateway.ordering = async (order) => {
          gateway.ordering = (next) => next();
          arrived();
          await released;
          return order();
        };
        slow = put(ada, [set('slow', '1')]);
      });
      const began = await newEpoch(ada.clone, NS, 'second');
      release();
      expect([began.epoch, (await slow).epoch, (await slow).retries]).to.deep.equal(['second', 'second', 1]);
    });

    it('an interruption ends the wait for an answer', async () => {
      const stop = new AbortController();
      gateway.ordering = () => {
        setImmediate(() => stop.abort());
        return new Promise(() => undefined);
      };
      const error = await failure(put(ada, [set('a', '1')], { signal: stop.signal }), 'INTERRUPTED');
      expect(error.message).to.contain(String(error.details?.['txn']));
      gateway.ordering = (order) => order();
      expect((await put(ada, [set('b', '1')])).set).to.deep.equal(['b']); // the stream is none the worse
    });

    it('a Stargate that greets as another than the one whose ledger the clone knows gets nothing signed', async () => {
      await put(ada, [set('a', '1')]);
      await get(ada, 'a');
      const other = await MemoryGateway.start({ format, writers: ['ada', 'bob'], policy: sequenced, people: gateway.people });
      const place = placeNamed(gateway.name);
      place.intents = placeNamed(other.name).intents;
      gateway.cutStreams();
      const error = await failure(put(ada, [set('a', '2')]), 'ATTESTATION_MISMATCH');
      expect(error.advice?.id).to.equal('verify-clone');
      expect((await other.refs()).has(ledgerRef(NS))).to.equal(false);
      await other.close();
    });

    it('the tracking refs of a clone that fetched before stay where they are', async () => {
      await put(bob, [set('a', '0')]);
      await gateway.mirrored();
      await get(ada, 'a');
      const tracked = [trackingRef('mirror', ledgerRef(NS)), trackingRef('stargate', ledgerRef(NS)), ledgerRef(NS)];
      const before = await ada.clone.store.refs(tracked);
      await put(ada, [set('a', '1')]);
      expect(await ada.clone.store.refs(tracked)).to.deep.equal(before);
    });
  });
}
