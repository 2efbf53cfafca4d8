import { expect } from 'chai';
import { checkIdTimes, TransactionIds } from '../../../../../domain/gateway/accept/transaction-ids.js';
import { write } from '../../../../../domain/client/write/write.js';
import { utf8 } from '../../../../../domain/git/bytes.js';
import type { GitStore } from '../../../../../ports/git/git-store.js';
import type { Oid, RefUpdate, WatchEvent } from '../../../../../ports/vocabulary.js';
import { failure } from '../../../../support/failure.js';
import { type MemoryClient, openMemoryPlace } from '../../../../support/memory/client.js';

describe('the ids that an epoch has', () => {
  let place: MemoryClient;
  let read: number;
  let store: GitStore;
  let used: string;
  let first: string;
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
    first = await put('main', '0');
    for (let i = 1; i < 5; i++) used = await put('main', `${i}`);
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

  it('are read anew where a ledger went back to an earlier commit', async () => {
    const known = ids(100);
    const commands = await push('main');
    await known.prepare(commands);
    const line: Oid[] = [];
    for await (const oid of place.clone.store.history({ tip: commands[0]?.old ?? '' })) line.push(oid);
    const ref = 'refs/kv/main';
    await place.clone.store.updateRefs([{ ref, old: line[0] ?? null, next: line[2] ?? '' }], 'rewound');
    const back = [{ ref, old: line[2] ?? null, next: 'f'.repeat(40) }];
    expect(await reads(() => known.prepare(back))).to.equal(3);
    await failure(known.refuseUsed(back, [event('main', first)]), 'TRANSACTION_REUSED');
    await known.refuseUsed(back, [event('main', used)]);
  });

  it('are asked of ledgers alone, where they move to', async () => {
    const known = ids(100);
    const [tip] = await push('main');
    const old = tip?.old ?? null;
    const others = [
      { ref: 'refs/kv-index/main', old, next: old },
      { ref: 'refs/heads/main', old, next: old },
      { ref: 'refs/kv/main', old, next: null },
      { ref: 'refs/kv/main', old: null, next: old },
    ];
    expect(await reads(() => known.prepare(others))).to.equal(0);
    await known.refuseUsed(others.slice(0, 3), [event('main', used)]);
  });

  it('are no more in advance than may be known', async () => {
    for (const [limit, wanted] of [
      [5, 5],
      [6, 6],
      [1, 5],
    ] as const)
      expect(await reads(() => ids(limit).readAll(new AbortController().signal)), `${limit}`).to.equal(wanted);
  });

  it('say whether one is used up to a tip', async () => {
    const known = ids(100);
    const [tip] = await push('main');
    expect(await known.isUsed('main', tip?.old ?? null, used)).to.equal(true);
    expect(await known.isUsed('main', tip?.old ?? null, used.replace(/^../, '02'))).to.equal(false);
    expect(await known.isUsed('main', null, used)).to.equal(false);
    expect(await known.isUsed('none', 'f'.repeat(40), used)).to.equal(false);
  });

  it('are used once in a push too, by each namespace for itself', async () => {
    const known = ids(100);
    const commands = await push('main');
    const fresh = used.replace(/^../, '02');
    await known.refuseUsed(commands, [event('main', fresh), event('other', fresh), event('other', used)]);
    const error = await failure(known.refuseUsed(commands, [event('main', fresh), event('main', fresh)]), 'TRANSACTION_REUSED');
    expect(error.details).to.deep.equal({ commit: 'f'.repeat(40), txn: fresh });
    // A namespace that begins has none, whatever was there before it.
    await known.refuseUsed([{ ref: 'refs/kv/main', old: null, next: 'f'.repeat(40) }], [event('main', used)]);
  });

  it('that are committed are kept of their own namespace, and only on what is known', async () => {
    const [a, b] = [used.replace(/^../, '02'), used.replace(/^../, '03')];
    const ref = 'refs/kv/main';
    const next = (await place.clone.store.refs(['refs/kv/other'])).get('refs/kv/other') ?? '';
    const [tip] = await push('main');
    const old = tip?.old ?? null;
    const later = [{ ref, old: next, next: 'f'.repeat(40) }];
    // Nothing was known, or another tip: it is read when it is needed.
    for (const prepared of [false, true]) {
      const known = ids(100);
      if (prepared) await known.prepare(await push('main'));
      known.committed([{ ref, old: 'e'.repeat(40), next }], [event('main', a)]);
      await place.clone.store.updateRefs([{ ref, old, next }], 'moved');
      expect(await reads(() => known.prepare(later))).to.equal(1);
      await known.refuseUsed(later, [event('main', a)]);
      await place.clone.store.updateRefs([{ ref, old: next, next: old ?? '' }], 'moved back');
    }
    const known = ids(100);
    known.committed([{ ref, old: null, next }], [event('main', a), event('other', b)]);
    await place.clone.store.updateRefs([{ ref, old, next }], 'moved');
    expect(await reads(() => known.prepare(later))).to.equal(0);
    await failure(known.refuseUsed(later, [event('main', a)]), 'TRANSACTION_REUSED');
    await known.refuseUsed(later, [event('main', b)]);
    known.committed([{ ref, old: next, next: 'd'.repeat(40) }], [event('main', b)]);
    const after = [{ ref, old: 'd'.repeat(40), next }];
    for (const txn of [a, b]) await failure(known.refuseUsed(after, [event('main', txn)]), 'TRANSACTION_REUSED');
  });
});

describe('the time of a transaction’s id', () => {
  const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  const idOf = (time: number): string => {
    let [text, rest] = ['', time];
    for (let i = 0; i < 10; i++) [text, rest] = [`${DIGITS[rest % 32]}${text}`, Math.floor(rest / 32)];
    return text.padEnd(26, '0');
  };
  const NOW = Date.UTC(2026, 5, 1);
  const DAY = 24 * 60 * 60 * 1000;

  it('is one that a clock of today shows', async () => {
    const check = async (...times: number[]): Promise<void> =>
      checkIdTimes(
        times.map((time, i) => ({ oid: `c${i}`, txn: idOf(time) })),
        NOW,
      );
    await check();
    await check(NOW, Date.UTC(2020, 0, 1), NOW + DAY);
    for (const time of [Date.UTC(2020, 0, 1) - 1, NOW + DAY + 1, 0, 2 ** 48 - 1]) {
      const error = await failure(check(NOW, time), 'ATTESTATION_MISMATCH');
      expect(error.details).to.deep.equal({ commit: 'c1', txn: idOf(time) });
      expect(error.message).to.contain(' and here it is 2026-06-01');
    }
    expect((await failure(check(0), 'ATTESTATION_MISMATCH')).message).to.contain(' is of 1970-01-01,');
    expect((await failure(check(Date.UTC(9999, 11, 31)), 'ATTESTATION_MISMATCH')).message).to.contain(' is of 9999-12-31,');
    expect((await failure(check(Date.UTC(10_000, 0)), 'ATTESTATION_MISMATCH')).message).to.contain('after the year 9999');
  });
});
