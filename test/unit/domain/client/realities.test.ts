import { expect } from 'chai';
import { utf8 } from '../../../../domain/git/bytes.js';
import { type Clone, namerOf } from '../../../../domain/client/clone/clone.js';
import { knownPolicy } from '../../../../domain/client/clone/policy/known-policy.js';
import { readKey } from '../../../../domain/client/read/read.js';
import { readChunks } from '../../../../domain/client/read/value.js';
import { listKeys } from '../../../../domain/client/read/list.js';
import { inReality } from '../../../../domain/client/reality/inside.js';
import { beginReality, changedIn, dropReality, listRealities } from '../../../../domain/client/reality/manage.js';
import { planPromotion } from '../../../../domain/client/reality/promote.js';
import { validateReality } from '../../../../domain/client/reality/validate.js';
import { aboutRef } from '../../../../domain/client/reality/reality-refs.js';
import { requireReality } from '../../../../domain/client/reality/about.js';
import type { RequestedOperation } from '../../../../domain/client/write/operations.js';
import type { Receipt } from '../../../../domain/client/write/receipt.js';
import { write } from '../../../../domain/client/write/write.js';
import { verifyClone } from '../../../../domain/client/verify/verify.js';
import { ledgerRef } from '../../../../domain/ledger/refs.js';
import { refusal } from '../../../support/failure.js';
import { MemoryGateway } from '../../../support/memory/gateway.js';
import { type MemoryClient, openMemoryClient } from '../../../support/memory/client.js';

const NS = 'main';
const READ = { readFrom: 'stargate', offline: false } as const;

for (const format of ['sha1', 'sha256'] as const) {
  describe(`a reality (${format})`, () => {
    let gateway: MemoryGateway;
    let ada: MemoryClient;
    let bob: MemoryClient;
    beforeEach(async () => {
      gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'] });
      ada = await openMemoryClient(gateway, 'ada');
      bob = await openMemoryClient(gateway, 'bob');
      await set(ada.clone, { 'cfg:a': '1', 'cfg:b': '2' });
    });
    afterEach(async () => {
      await Promise.all([ada.close(), bob.close()]);
      await gateway.close();
    });

    const operations = (values: Readonly<Record<string, string | null>>): RequestedOperation[] =>
      Object.entries(values).map(([key, value]) =>
        value === null ? { op: 'del', key } : { op: 'set', key, value: utf8(value) },
      );
    const set = (clone: Clone, values: Readonly<Record<string, string | null>>): Promise<Receipt> =>
      write(clone, { ns: NS, operations: operations(values) });
    const get = async (clone: Clone, key: string): Promise<string> => {
      const { value } = await readKey(clone, { ns: NS, key, allowExpired: false, ...READ });
      if (value instanceof Uint8Array) return Buffer.from(value).toString();
      const parts: Uint8Array[] = [];
      for await (const part of readChunks(clone, value)) parts.push(part);
      return Buffer.concat(parts).toString();
    };
    const keys = async (clone: Clone): Promise<string[]> => {
      const found: string[] = [];
      const all = { ns: NS, prefix: '', long: false, allowExpired: false, ...READ };
      for await (const { key } of listKeys(clone, all)) found.push(key);
      return found;
    };
    const begin = async (name: string): Promise<Clone> => {
      await beginReality(ada.clone, NS, name, READ);
      return inReality(ada.clone, NS, name);
    };
    const promote = async (name: string): Promise<Receipt> =>
      write(ada.clone, { ns: NS, ...(await planPromotion(ada.clone, NS, name)) });

    it('is written and read without any other side, and changes nothing outside', async () => {
      const inside = await begin('dark');
      const before = await gateway.store.refs([ledgerRef(NS)]);
      const receipt = await set(inside, { 'cfg:a': 'one', 'cfg:b': null, 'cfg:c': '3' });
      expect(receipt).to.deep.include({ landed: 'reality', set: ['cfg:a', 'cfg:c'], del: ['cfg:b'], warnings: [] });
      expect(await get(inside, 'cfg:a')).to.equal('one');
      expect(await keys(inside)).to.deep.equal(['cfg:a', 'cfg:c']);
      expect(await gateway.store.refs([ledgerRef(NS)])).to.deep.equal(before);
      expect(await get(ada.clone, 'cfg:a')).to.equal('1');
      expect(await keys(ada.clone)).to.deep.equal(['cfg:a', 'cfg:b']);
      const [object] = await inside.store.read([receipt.commit ?? '']);
      expect(Buffer.from(object?.body ?? []).toString(), 'nothing is signed').to.not.contain('gpgsig');
    });

    it('does not see what others write meanwhile, and becomes true beside it', async () => {
      const inside = await begin('dark');
      await set(bob.clone, { 'cfg:z': '26' });
      await set(inside, { 'cfg:a': 'one' });
      await set(inside, { 'cfg:d': '4' });
      expect(await keys(ada.clone)).to.include('cfg:z');
      expect(await keys(inside)).to.not.include('cfg:z');
      const [shown] = await listRealities(ada.clone, NS);
      expect(shown).to.include({ name: 'dark', changed: 2, behind: true });
      const receipt = await promote('dark');
      expect(receipt).to.deep.include({ landed: 'stargate', set: ['cfg:a', 'cfg:d'], del: [] });
      expect(await get(bob.clone, 'cfg:a')).to.equal('one');
      expect(await get(bob.clone, 'cfg:z')).to.equal('26');
      const { faults } = await verifyClone(bob.clone, bob.verifier, { ns: NS, full: true, onProgress: () => undefined });
      expect(faults).to.deep.equal([]);
    });

    it('is refused by name when others have changed its keys, all of them; what they have made the same is left out', async () => {
      const inside = await begin('dark');
      await set(inside, { 'cfg:a': 'one', 'cfg:b': 'two', 'cfg:c': 'three', 'cfg:d': 'four' });
      await set(bob.clone, { 'cfg:a': 'uno', 'cfg:b': null, 'cfg:c': 'three' });
      const refused = await refusal(planPromotion(ada.clone, NS, 'dark'));
      expect(refused).to.deep.include({ code: 'CAS_CONFLICT', details: { reality: 'dark', keys: ['cfg:a', 'cfg:b'] } });
      await set(bob.clone, { 'cfg:a': '1', 'cfg:b': '2' });
      expect((await promote('dark')).set).to.deep.equal(['cfg:a', 'cfg:b', 'cfg:d']);
    });

    it('loses the race to a write that lands while it is promoted', async () => {
      const inside = await begin('dark');
      await set(inside, { 'cfg:a': 'one' });
      const plan = await planPromotion(ada.clone, NS, 'dark');
      await set(bob.clone, { 'cfg:a': 'uno' });
      expect((await refusal(write(ada.clone, { ns: NS, ...plan }))).code).to.equal('CAS_CONFLICT');
      expect(await get(bob.clone, 'cfg:a')).to.equal('uno');
    });

    it('keeps a TTL and a content type', async () => {
      const inside = await begin('dark');
      const expiresAt = ada.clone.clock.now() + 3_600_000;
      const value = utf8('{}');
      await write(inside, { ns: NS, operations: [{ op: 'set', key: 'cfg:t', value, ctype: 'application/json', expiresAt }] });
      await write(inside, { ns: NS, operations: [{ op: 'set', key: 'cfg:a', value: utf8('1'), expiresAt }] }); // its TTL alone
      await promote('dark');
      for (const key of ['cfg:t', 'cfg:a']) {
        const { meta } = await readKey(bob.clone, { ns: NS, key, allowExpired: false, ...READ });
        expect(meta.ttl, key).to.equal(new Date(expiresAt).toISOString());
        expect(meta.ctype).to.equal(key === 'cfg:t' ? 'application/json' : 'application/octet-stream');
      }
    });

    it('holds large values, those that it began with and its own', async () => {
      const large = 'x'.repeat(300_000);
      await write(ada.clone, { ns: NS, operations: operations({ 'big:old': large }), maxInline: 1000 });
      const inside = await begin('dark');
      await write(inside, { ns: NS, operations: operations({ 'big:new': `${large}y` }), maxInline: 1000 });
      await write(bob.clone, { ns: NS, operations: operations({ 'big:bob': `z${large}` }), maxInline: 1000 });
      expect((await get(inside, 'big:old')).length).to.equal(300_000);
      expect(await get(inside, 'big:new')).to.equal(`${large}y`);
      expect((await validateReality(ada.clone, NS, 'dark', { checks: [], ...READ })).faults).to.deep.equal([]);
      await promote('dark');
      expect(await get(bob.clone, 'big:new')).to.equal(`${large}y`);
    });

    it('is validated: conflicts, contents, and what the Stargate would refuse are all told', async () => {
      const inside = await begin('dark');
      await set(inside, { 'cfg:a': 'one', 'cfg:n': 'nine' });
      const json = { op: 'set', key: 'cfg:j', value: utf8('{"a":'), ctype: 'application/json' } as const;
      await write(inside, { ns: NS, operations: [json] });
      await set(bob.clone, { 'cfg:a': 'uno' });
      const check = ({ key }: { key: string }): string | undefined => (key === 'cfg:n' ? 'too high' : undefined);
      const { faults, keys: count } = await validateReality(ada.clone, NS, 'dark', { checks: [check], ...READ });
      expect(count).to.equal(3);
      expect(faults.map(({ code, subject }) => [code, subject.key])).to.deep.equal([
        ['CAS_CONFLICT', 'cfg:a'],
        ['INPUT_INVALID', 'cfg:j'],
        ['INPUT_INVALID', 'cfg:n'],
      ]);
      expect(faults.map(({ message }) => message).join()).to.not.contain('one');
    });

    it('that was meddled with is found unsound before it is promoted', async () => {
      const inside = await begin('dark');
      await set(inside, { 'cfg:a': 'one' });
      const ref = ledgerRef(NS);
      const old = (await inside.store.refs([ref])).get(ref) ?? '';
      const meddle = async (from: RegExp, to: string): Promise<string[]> => {
        const [object] = await inside.store.read([old]);
        const text = Buffer.from(object?.body ?? []).toString();
        expect(text).to.match(from);
        const forged = namerOf(inside).object('commit', utf8(text.replace(from, to)));
        await inside.store.write([forged]);
        await inside.store.updateRefs(
          [{ ref, old: (await inside.store.refs([ref])).get(ref) ?? null, next: forged.oid }],
          'forged',
        );
        return (await validateReality(ada.clone, NS, 'dark', { checks: [], ...READ })).faults.map(({ code }) => code);
      };
      expect(await meddle(/(?<=KV-Index-Tree: .*)[0-9a-f]{8}$/m, '00000000')).to.deep.equal(['ATTESTATION_MISMATCH']);
      expect(await meddle(/^Keys-Set: 1$/m, 'Keys-Set: 2')).to.include('ATTESTATION_MISMATCH');
    });

    it('of a key that is no writer is told so', async () => {
      const stranger = await openMemoryClient(gateway, 'eve');
      try {
        await beginReality(stranger.clone, NS, 'hers', READ);
        const inside = await inReality(stranger.clone, NS, 'hers');
        expect(await knownPolicy(inside)).to.not.equal(null);
        await set(inside, { 'cfg:a': 'mine' });
        const { faults } = await validateReality(stranger.clone, NS, 'hers', { checks: [], ...READ });
        expect(faults.map(({ code }) => code)).to.deep.equal(['SIGNER_UNKNOWN']);
      } finally {
        await stranger.close();
      }
    });

    it('stands beside a hundred others, each its own; a dropped one is gone', async () => {
      const names = Array.from({ length: 100 }, (_, i) => `r${i}`);
      for (const name of names) await beginReality(ada.clone, NS, name, { ...READ, offline: true });
      await Promise.all(names.map(async (name) => set(await inReality(ada.clone, NS, name), { 'cfg:a': name })));
      for (const name of ['r0', 'r42', 'r99']) expect(await get(await inReality(ada.clone, NS, name), 'cfg:a')).to.equal(name);
      await dropReality(ada.clone, NS, 'r42');
      expect((await refusal(inReality(ada.clone, NS, 'r42'))).code).to.equal('NOT_FOUND');
      expect((await listRealities(ada.clone, NS)).length).to.equal(99);
      expect([...(await ada.clone.store.refs([`refs/kv-reality/${NS}/r42/`])).keys()]).to.deep.equal([]);
    });

    it('of a namespace that has nothing yet begins it', async () => {
      await beginReality(ada.clone, 'fresh', 'first', READ);
      const inside = await inReality(ada.clone, 'fresh', 'first');
      await write(inside, { ns: 'fresh', operations: operations({ 'cfg:a': '1' }) });
      const plan = await planPromotion(ada.clone, 'fresh', 'first');
      expect([...plan.expectBlobs]).to.deep.equal([['cfg:a', null]]);
    });

    it('refuses what cannot be: names, a name twice, nothing to promote, another version', async () => {
      for (const name of ['', '../x', 'A', 'a/b', 'x.lock', 'a'.repeat(64)])
        expect((await refusal(beginReality(ada.clone, NS, name, READ))).code, name).to.equal('USAGE');
      await begin('dark');
      expect((await refusal(beginReality(ada.clone, NS, 'dark', READ))).code).to.equal('CAS_CONFLICT');
      expect((await refusal(planPromotion(ada.clone, NS, 'dark'))).code).to.equal('USAGE');
      expect(await changedIn(ada.clone, await requireReality(ada.clone, NS, 'dark'))).to.deep.equal([]);
      const { hasher } = ada.clone;
      const body = utf8('{"v":2}');
      const oid = hasher.hex(format, Buffer.concat([utf8(`blob ${body.length}\0`), body]));
      await ada.clone.store.write([{ oid, type: 'blob', body }]);
      const ref = aboutRef(NS, 'dark');
      const old = (await ada.clone.store.refs([ref])).get(ref) ?? null;
      await ada.clone.store.updateRefs([{ ref, old, next: oid }], 'a later version');
      expect((await refusal(inReality(ada.clone, NS, 'dark'))).message).to.contain('version 2');
    });
  });
}
