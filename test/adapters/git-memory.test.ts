import { expect } from 'chai';
import { GIT_MEMORY_CAPABILITIES, GitMemoryStore, heldByProcess, memoryStore } from '../../adapters/git-memory/open.js';
import { memoryExchange } from '../../adapters/git-memory/open-exchange.js';
import type { NewObject } from '../../ports/git/git-store.js';
import { blob, commit, files } from '../contracts/git-objects.js';
import { objectExchangeContract } from '../contracts/object-exchange.js';
import { gitStoreContract } from '../contracts/git-store.js';
import { refused } from '../repo/refused.js';

gitStoreContract('git-memory', GIT_MEMORY_CAPABILITIES, async (format) => ({ store: new GitMemoryStore(format) }));

describe('git-memory within limits', () => {
  const KIB = 1024;

  it('refuses what has no room, with nothing of it kept, and counts again what is dropped', async () => {
    const before = heldByProcess();
    const store = memoryStore('sha1', { repository: 100 * KIB, process: Infinity });
    const small = Array.from({ length: 50 }, (_, i) => blob('sha1', `${i}${'x'.repeat(KIB)}`));
    await store.write(small);
    const used = store.allowance.used;
    expect(used).to.be.within(50 * KIB, 80 * KIB);
    const error = await refused(store.write([blob('sha1', 'tiny'), blob('sha1', 'y'.repeat(60 * KIB))]), 'STORAGE_FULL');
    expect(error.details).to.deep.include({ of: 'repository', limit: 100 * KIB, used });
    expect(store.allowance.used).to.equal(used);
    expect(await store.headers([blob('sha1', 'tiny').oid])).to.deep.equal([null]);
    await store.write(small); // they are there already
    expect(store.allowance.used).to.equal(used);
    expect(heldByProcess() - before).to.equal(used);
    expect(await store.prune([])).to.equal(used);
    await store.write([blob('sha1', 'y'.repeat(60 * KIB))]);
    await store.close();
    expect(heldByProcess()).to.equal(before);
  });

  it('counts what all repositories of the process hold, and what comes in pieces while it comes', async () => {
    const limits = { repository: Infinity, process: heldByProcess() + 4 * KIB * KIB };
    const [one, two] = [memoryStore('sha256', limits), memoryStore('sha256', limits)];
    await one.write([blob('sha256', Buffer.alloc(3 * KIB * KIB, 'a'))]);
    let made = 0;
    async function* endless(): AsyncIterable<NewObject> {
      for (;;) yield blob('sha256', `${made++}${'b'.repeat(100 * KIB)}`);
    }
    expect((await refused(two.write(endless()), 'STORAGE_FULL')).details).to.deep.include({ of: 'process' });
    expect(made).to.be.lessThan(40);
    expect(two.allowance.used).to.equal(0);
    await one.close();
    await two.write([blob('sha256', Buffer.alloc(2 * KIB * KIB, 'c'))]);
    await two.close();
  });

  it('keeps objects and refs of a landing together at the limit, and counts a quarantine until it is dropped', async () => {
    const { root, objects } = files('sha1', { a: 'x'.repeat(2000) });
    const made = commit('sha1', { tree: root, time: 1_700_000_000 });
    const size = [...objects, made].reduce((sum, { body }) => sum + body.length + 64, 0);
    const store = memoryStore('sha1', { repository: size + 10, process: Infinity });
    await refused(
      store.land([...objects, made], [{ ref: 'refs/heads/main', old: null, next: made.oid }], 'test'),
      'STORAGE_FULL',
    );
    expect(store.counts()).to.deep.equal({ objects: 0, refs: 0 });
    const quarantine = await store.openQuarantine(null);
    await quarantine.write([...objects, made]);
    await refused(store.write([blob('sha1', 'one more')]), 'STORAGE_FULL');
    await quarantine.close();
    expect(store.allowance.used).to.equal(0);
    const second = await store.openQuarantine(null);
    await second.write([...objects, made]);
    await second.accept();
    expect(store.allowance.used).to.equal(size);
    await store.close();
  });

  it('counts refs as they come and go, in one change or in several, and nothing of a change that is refused', async () => {
    const store = memoryStore('sha1', { repository: 100 * KIB, process: Infinity });
    const made = ['one', 'two'].map((text) => blob('sha1', text));
    const [one, two] = made.map(({ oid }) => oid) as [string, string];
    await store.write(made);
    const before = store.allowance.used;
    const move = (...updates: [ref: string, old: string | null, next: string | null][]) =>
      store.land(
        [],
        updates.map(([ref, old, next]) => ({ ref, old, next })),
        'test',
      );
    await move(['refs/heads/a/b', null, one]);
    const withOne = store.allowance.used;
    expect(withOne).to.be.greaterThan(before);
    await move(['refs/heads/a/b', one, two]);
    await refused(move(['refs/heads/a/b', one, null]), 'CAS_CONFLICT');
    await refused(move(['refs/heads/a', null, one]), 'GIT_ERROR');
    await refused(move(['refs/heads/c', null, one], ['refs/heads/c/d', null, one]), 'GIT_ERROR');
    await move(['refs/heads/none', null, null]);
    expect(store.allowance.used).to.equal(withOne);
    await move(['refs/heads/a/b', two, null], ['refs/heads/x/y', null, one]);
    expect(store.allowance.used).to.equal(withOne); // names of the same length
    await move(['refs/heads/a', null, one], ['refs/heads/x/z', null, two]); // nothing lies below it any more
    await move(['refs/heads/x/y', one, null]);
    await refused(move(['refs/heads/x', null, one]), 'GIT_ERROR');
    await move(['refs/heads/x/z', two, null], ['refs/heads/a', one, null]);
    expect(store.allowance.used).to.equal(before);
    const full = store.reserve(100 * KIB - before);
    await refused(move(['refs/heads/x', null, one]), 'STORAGE_FULL');
    expect(store.counts().refs).to.equal(0);
    full();
    await move(['refs/heads/x', null, one]);
    await store.close();
  });

  it('keeps no more of a large buffer than the piece that is an object', async () => {
    const store = new GitMemoryStore('sha1');
    const buffer = Buffer.alloc(100 * KIB, 'z');
    const pieces = [10, 5000, 20_000].map((length) => ({
      ...blob('sha1', buffer.subarray(0, length)),
      body: buffer.subarray(0, length),
    }));
    const whole = new Uint8Array(5000);
    await store.write([...pieces, { ...blob('sha1', Buffer.from(whole)), body: whole }]);
    const read = await store.read(pieces.map(({ oid }) => oid));
    expect(read.every((object) => object !== null && object.body.buffer !== buffer.buffer)).to.equal(true);
    const [kept] = await store.read([blob('sha1', Buffer.from(whole)).oid]);
    expect(kept?.body, 'a body of its own is not copied').to.equal(whole);
  });
});

objectExchangeContract('git-memory', async () => {
  const side = () => {
    const store = new GitMemoryStore();
    return { store, exchange: memoryExchange(store) };
  };
  return { one: side(), two: side(), dispose: async () => undefined };
});
