import { expect } from 'chai';
import { TransactionIds } from '../../../../domain/gateway/accept/transaction-ids.js';
import { write } from '../../../../domain/client/write/write.js';
import { utf8 } from '../../../../domain/git/bytes.js';
import type { GitStore } from '../../../../ports/git/git-store.js';
import type { Oid, RefUpdate, WatchEvent } from '../../../../ports/vocabulary.js';
import { failure } from '../../../support/failure.js';
import { type MemoryClient, openMemoryPlace } from '../../../support/memory-client.js';

describe('the ids that an epoch has', () => {
  let place: MemoryClient;
  let read: number;
  let store: GitStore;
  let used: string;
  beforeEach(async () => {
    place = await openMemoryPlace('sha1', 'wendy');
    read = 0;
    const { store: whole } = place.clone;
    store = Object.assign(Object.create(whole) as GitStore, {
      read: async (oids: readonly Oid[]) => {
        read += oids.length;
        return whole.read(oids);
      },
    });
    for (let i = 0; i < 5; i++) used = await put('main', `${i}`);
    await put('other', '1');
  });
  afterEach(() => place.close());

  it('are read in advance, for every namespace, unless that is stopped', async () => {
    const ids = () => new TransactionIds(store, { bytes: (count) => new Uint8Array(count) }, () => 1000);
    const stopped = new AbortController();
    stopped.abort();
    await ids().readAll(stopped.signal);
    expect(read).to.equal(0);
    const warm = ids();
    await warm.readAll(new AbortController().signal);
    const before = read;
    expect(before).to.equal(6);
    for (const ns of ['main', 'other']) await warm.prepare(await push(ns));
    expect(read).to.equal(before);
    expect((await failure(warm.refuseUsed(await push('main'), [event('main', used)]), 'TRANSACTION_REUSED')).message).to.contain(
      used,
    );
  });

  const put = async (ns: string, value: string): Promise<string> => {
    const operations = [{ op: 'set', key: 'k', value: utf8(value), ctype: 'text/plain' } as const];
    return (await write(place.clone, { ns, operations })).txn ?? '';
  };
  const push = async (ns: string): Promise<RefUpdate[]> => {
    const ref = `refs/kv/${ns}`;
    return [{ ref, old: (await place.clone.store.refs([ref])).get(ref) ?? null, next: 'f'.repeat(40) }];
  };
  const event = (ns: string, txn: string): WatchEvent => {
    return { v: 1, ns, epoch: 'e', oid: 'f'.repeat(40), txn, received: '', signer: 'ada', set: 1, del: 0, parentEpoch: null };
  };
  const ids = (limit: number): TransactionIds =>
    new TransactionIds(store, { bytes: (count) => new Uint8Array(count) }, () => limit);
  const reads = async (work: () => Promise<void>): Promise<number> => {
    const before = read;
    await work();
    return read - before;
  };

  it('are read once, and then only what has come since', async () => {
    const known = ids(100);
    expect(await reads(async () => known.prepare(await push('main')))).to.equal(5);
    expect(await reads(async () => known.prepare(await push('main')))).to.equal(0);
    const newer = await put('main', 'newer');
    const commands = await push('main');
    expect(await reads(() => known.prepare(commands))).to.equal(1);
    for (const txn of [used, newer]) await failure(known.refuseUsed(commands, [event('main', txn)]), 'TRANSACTION_REUSED');
    await known.refuseUsed(commands, [
      event(
        'main',
        used.replace(/.$/, (last) => (last === 'Z' ? 'Y' : 'Z')),
      ),
    ]);
  });

  it('are kept along with what is committed, without reading', async () => {
    const known = ids(100);
    const commands = await push('main');
    await known.prepare(commands);
    const txn = used.replace(/^../, '02');
    const ref = 'refs/kv/main';
    const { store: whole } = place.clone;
    const [tip] = commands;
    // The ledger's tip is put on a commit that nobody reads: it is known that it is there.
    const next = (await whole.refs(['refs/kv/other'])).get('refs/kv/other') ?? '';
    await whole.updateRefs([{ ref, old: tip?.old ?? null, next }], 'moved');
    known.committed([{ ref, old: tip?.old ?? null, next }], [event('main', txn)]);
    const later = [{ ref, old: next, next: tip?.old ?? null }];
    expect(await reads(() => known.prepare(later))).to.equal(0);
    await failure(known.refuseUsed(later, [event('main', txn)]), 'TRANSACTION_REUSED');
    await failure(known.refuseUsed(later, [event('main', used)]), 'TRANSACTION_REUSED');
  });

  it('make room for those of another namespace, and are read again', async () => {
    const known = ids(5);
    await known.prepare(await push('main'));
    await known.prepare(await push('other'));
    expect(await reads(async () => known.prepare(await push('other')))).to.equal(0);
    expect(await reads(async () => known.prepare(await push('main')))).to.equal(5);
  });

  it('are not read for a ledger that is not where the push believes it to be', async () => {
    const known = ids(5);
    const [command] = await push('main');
    const next = 'f'.repeat(40);
    for (const old of ['e'.repeat(40), (await push('other'))[0]?.old ?? '']) {
      expect(await reads(() => known.prepare([{ ref: 'refs/kv/main', old, next }]))).to.equal(0);
    }
    expect(command?.old).to.be.a('string');
  });

  it('of an epoch that has begun are its own', async () => {
    const known = ids(100);
    const commands = await push('main');
    await known.prepare(commands);
    const begins = { ...event('main', used), parentEpoch: 'before' };
    await known.refuseUsed(commands, [begins]);
    known.committed([{ ref: 'refs/kv/main', old: commands[0]?.old ?? null, next: 'a'.repeat(40) }], [begins]);
    const after = [{ ref: 'refs/kv/main', old: 'a'.repeat(40), next: 'b'.repeat(40) }];
    await failure(known.refuseUsed(after, [event('main', used)]), 'TRANSACTION_REUSED');
    await known.refuseUsed(after, [event('main', used.replace(/^../, '02'))]);
  });
});
