import { expect } from 'chai';
import { planRestore } from '../../../../../domain/client/history/restore.js';
import { planRevert } from '../../../../../domain/client/history/revert.js';
import { importKeys } from '../../../../../domain/client/transfer/import/import.js';
import type { RequestedOperation } from '../../../../../domain/client/write/operations.js';
import type { Receipt } from '../../../../../domain/client/write/receipt.js';
import { write } from '../../../../../domain/client/write/write.js';
import { utf8 } from '../../../../../domain/git/bytes.js';
import { ledgerRef } from '../../../../../domain/ledger/refs.js';
import { failure } from '../../../../support/failure.js';
import { importLines } from '../../../../support/memory/import-lines.js';
import { del, eachWay, get, NS, put, read, set } from './clients.js';

eachWay('writers of a sequenced ledger', (at, { way }) => {
  it('a clone that has fetched nothing writes, and has nothing of the ledger afterwards', async () => {
    await put(
      at.bob,
      Array.from({ length: 50 }, (_, i) => set(`k:${i}`, `${i}`)),
    );
    const receipt = await put(at.ada, [set('a', '1'), del('none')]);
    expect(receipt).to.deep.include({ set: ['a'], del: [], unchanged: ['none'], bytes: 1, retries: 0, landed: 'stargate' });
    expect(receipt.warnings).to.deep.equal(['key "none" is not there: nothing to delete']);
    const tip = (await at.gateway.refs()).get(ledgerRef(NS));
    expect(receipt.commit).to.equal(tip);
    const refs = [...(await at.ada.clone.store.refs(['refs/'])).keys()];
    expect(refs).to.deep.equal(way === 'stream' ? ['refs/kv-tracking/stargate/kv-policy/current'] : refs);
    if (way === 'stream') expect(await at.ada.clone.store.headers([receipt.commit ?? ''])).to.deep.equal([null]);
  });

  it('writers of different keys never meet, and what one key must be is judged when its turn has come', async () => {
    await put(at.bob, [set('b', '1')]);
    const first = await put(at.ada, [set('a', '1')]);
    const receipts = await Promise.all(
      Array.from({ length: 20 }, (_, i) => put(i % 2 ? at.ada : at.bob, [set(`race:${i}`, `${i}`)])),
    );
    expect(receipts.map(({ retries }) => retries)).to.deep.equal(Array(20).fill(0));
    expect(new Set(receipts.map(({ commit }) => commit)).size).to.equal(20);
    const valueOid = (await read(at.ada, 'a')).oid;
    await put(at.bob, [set('a', '2')], { expectBlobs: new Map([['a', valueOid]]) });
    const error = await failure(put(at.ada, [set('a', '3')], { expectBlobs: new Map([['a', valueOid]]) }), 'CAS_CONFLICT');
    expect(error.details).to.include({ key: 'a' });
    await put(at.ada, [set('new', '1')], { expectBlobs: new Map([['new', null]]) });
    await failure(put(at.ada, [set('new', '2')], { expectBlobs: new Map([['new', null]]) }), 'CAS_CONFLICT');
    const stale = await failure(put(at.ada, [set('a', '3')], { expectTree: first.tree ?? '' }), 'CAS_CONFLICT');
    const { tree } = await put(at.ada, [set('a', '3')], { expectTree: String(stale.details?.['tree']) });
    expect(tree).to.match(/^[0-9a-f]{40,64}$/);
    expect(await get(at.bob, 'a')).to.equal('3');
  });

  it('a deletion that must find something says so; nothing to change is no commit', async () => {
    await put(at.ada, [set('a', '1')]);
    const error = await failure(put(at.ada, [del('b')], { strictDelete: true }), 'NOT_FOUND');
    expect(error.advice?.id).to.equal('list-keys');
    const nothing = await put(at.ada, [del('b')]);
    expect(nothing).to.include({ commit: null, txn: null, landed: 'nowhere' });
    expect((await put(at.ada, [del('a')])).del).to.deep.equal(['a']);
  });

  it('a TTL is kept or lost as the key has it when it is ordered', async () => {
    const hour = Math.floor(at.ada.clone.clock.now() / 1000) * 1000 + 3_600_000;
    await put(at.ada, [{ ...set('k', '1'), expiresAt: hour } as RequestedOperation, set('plain', '1')]);
    const again = (priorTtl: 'keep' | 'warn'): Promise<Receipt> =>
      put(
        at.bob,
        ['k', 'plain'].map((key) => ({ op: 'set', key, value: utf8(priorTtl), priorTtl })),
      );
    expect((await again('keep')).lostTtl).to.deep.equal([]);
    expect((await read(at.bob, 'k')).meta.ttl).to.equal(new Date(hour).toISOString());
    expect((await read(at.bob, 'plain')).meta.ttl).to.equal(null);
    expect((await again('warn')).lostTtl).to.deep.equal(['k']);
    await put(at.ada, [{ ...set('k', '1'), expiresAt: hour } as RequestedOperation]);
    expect((await put(at.ada, [set('k', '2')])).lostTtl).to.deep.equal([]); // its writer said nothing of it on purpose
    expect((await read(at.bob, 'k')).meta.createdBy).to.equal('ada@example.org');
  });

  it('a large value goes in chunks; of an edit, those that this clone knows to be there are left out', async () => {
    const text = Array.from({ length: 120_000 }, (_, i) => (i * 2654435761) % 2 ** 32).join(' ');
    const { chunked } = await put(at.ada, [set('big', text), set('small', 'x')], { maxInline: 1024 });
    expect(chunked).to.have.length(1);
    expect(await get(at.bob, 'big')).to.equal(text);
    const [edit] = (await put(at.bob, [set('big', `${text}and more`)], { maxInline: 1024 })).chunked;
    expect([(edit?.chunks ?? 0) > 1, edit?.reused]).to.deep.equal([true, (edit?.chunks ?? 0) - 1]);
    expect(await get(at.ada, 'big')).to.equal(`${text}and more`);
    const [more] = (await put(at.ada, [set('big', `more, ${text}`)], { maxInline: 1024 })).chunked;
    expect(more?.reused).to.be.greaterThan(0);
    const fresh = await at.open('bob');
    await put(fresh, [set('copy', text)], { maxInline: 1024 });
    expect(await get(fresh, 'copy')).to.equal(text);
  });

  it('an import, a restore and a revert are intents, too', async () => {
    const report = await importKeys(at.ada.clone, {
      ...{ ns: NS, strip: '', addPrefix: '', batch: 10, skip: 0, dryRun: false, timeoutMs: 1000 },
      source: importLines(25, (i) => `cfg:${i}`),
    });
    expect([report.set, report.transactions.length]).to.deep.equal([25, 3]);
    const before = report.last?.commit ?? '';
    const changed = await put(at.bob, [set('cfg:1', 'new'), del('cfg:2')]);
    await put(at.ada, [set('cfg:3', 'other')]);
    await write(at.ada.clone, { ns: NS, ...(await planRevert(at.ada.clone, NS, changed.txn ?? '')) });
    expect([await get(at.ada, 'cfg:1'), await get(at.ada, 'cfg:2')]).to.deep.equal(['1', '2']);
    await write(at.ada.clone, { ns: NS, ...(await planRestore(at.ada.clone, { ns: NS, at: before, keys: ['cfg:3'] })) });
    expect(await get(at.ada, 'cfg:3')).to.equal('3');
  });

  it('more than one transaction may have is refused before anything is sent; an import is split by itself', async () => {
    await put(at.ada, [set('a', '1')]);
    const operations = Array.from({ length: 100_001 }, (_, i) => del(`k:${i}`));
    const error = await failure(put(at.ada, operations), 'POLICY_VIOLATION');
    expect(error.details).to.deep.include({ limit: 100_000, operations: 100_001 });
    await at.gateway.publishText((text) => text.replace('max_push_objects: 1000000', 'max_push_objects: 1000'));
    const fresh = await at.open('ada');
    const report = await importKeys(fresh.clone, {
      ...{ ns: NS, strip: '', addPrefix: '', skip: 0, dryRun: false, timeoutMs: 1000 },
      source: importLines(1500, (i) => `k:${i}`),
    });
    expect(report.transactions.map((one) => one.operations)).to.deep.equal([994, 506]);
  });

  it('a dry run tells what would change by the state as it is fetched, and sends nothing', async () => {
    await put(at.bob, [set('a', '1')]);
    const before = await at.gateway.refs();
    const dry = await put(at.ada, [set('b', '1'), del('a')], { dryRun: true });
    expect([dry.set, dry.del, dry.landed]).to.deep.equal([['b'], ['a'], 'nowhere']);
    expect((await at.gateway.refs()).get(ledgerRef(NS))).to.equal(before.get(ledgerRef(NS)));
  });

  it('what is refused leaves no ref behind, here or there', async () => {
    await put(at.ada, [set('a', '1')]);
    await at.gateway.mirrored();
    const [here, there] = [await at.ada.clone.store.refs(['refs/']), await at.gateway.refs()];
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1\n`;
    await failure(put(at.ada, [set('lfs', pointer)]), 'POLICY_VIOLATION');
    await failure(put(at.ada, [set('k'.repeat(600), '1')]), 'KEY_INVALID');
    const stranger = await at.open('mallory');
    await failure(put(stranger, [set('a', '2')]), 'IO_ERROR');
    await failure(put(at.ada, [set('a', '2')], { expectBlobs: new Map([['a', null]]) }), 'CAS_CONFLICT');
    await at.gateway.mirrored();
    expect(await at.ada.clone.store.refs(['refs/'])).to.deep.equal(here);
    expect(await at.gateway.refs()).to.deep.equal(there);
  });
});
