import { expect } from 'chai';
import type { GitMemoryStore } from '../../../../../adapters/git-memory/open.js';
import { type CompactionContext, compactNamespace } from '../../../../../domain/gateway/epochs/compaction.js';
import { traceBundles } from '../../../../../domain/gateway/epochs/trace-bundles.js';
import type { BundleArchive } from '../../../../../ports/git/bundle-archive.js';
import { KvError } from '../../../../../ports/error.js';
import type { RepositoryUpkeep } from '../../../../../ports/git/repository-upkeep.js';
import type { Oid, RefName, RefUpdate } from '../../../../../ports/vocabulary.js';
import { rejects } from '../../../../contracts/git-store-parts/bench.js';
import { namespaceWith } from '../../client/epochs/epochs.js';
import { memory, NOW, TestClock } from '../../../../support/memory/memory.js';

/** The ports of a compaction over a store in memory; `did` is what happened, in order. */
function around(store: GitMemoryStore, { busy = false, full = false } = {}) {
  const did: string[] = [];
  const kept = new Map<string, ReadonlyMap<RefName, Oid>>();
  let unreachable = false;
  const bundles: BundleArchive = {
    place: (name) => `/archives/${name}`,
    async write(name, _format, refs) {
      if (full) throw new KvError('IO_ERROR', 'the disk is full');
      did.push(`bundle ${name}`);
      kept.set(name, refs);
      return 100;
    },
    has: async (name) => kept.has(name),
    list: async () => [...kept.keys()].map((name) => ({ name, place: `/archives/${name}`, written: NOW })),
    async refs(name) {
      const refs = kept.get(name);
      if (refs === undefined || refs.size === 0) throw new KvError('GIT_ERROR', 'it cannot be read');
      return refs;
    },
  };
  const upkeep: RepositoryUpkeep = {
    repack: async () => undefined,
    async noteUnreachable() {
      did.push('note');
      unreachable = true;
    },
    hasUnreachable: async () => unreachable,
    async dropUnreachable() {
      did.push('drop');
      unreachable = false;
    },
    objectBytes: async () => (did.includes('drop') ? 1000 : 1500),
    reachableBytes: async (tips) => 10 * [...tips].length,
  };
  const gateway: CompactionContext['gateway'] = {
    async moveOwn(plan) {
      const own = { store, namer: memory().namer, clock: new TestClock() } as unknown as Parameters<typeof plan>[0];
      const updates: readonly RefUpdate[] = await plan(own);
      await store.updateRefs(updates, 'test');
      did.push(...updates.map(({ ref, next }) => `${next === null ? 'delete' : 'make'} ${ref}`));
    },
    exclusively: (work) => work(),
  };
  const context: CompactionContext = {
    ...{ store, bundles, upkeep, gateway },
    async quietly(work) {
      if (!busy) await work();
      return !busy;
    },
    failpoint: (name) => void did.push(name),
    observer: { dropped: (ns, { epoch }) => void did.push(`dropped ${ns} ${epoch}`), unreclaimed: () => void did.push('later') },
  };
  return { context, bundles, gateway, kept, did };
}

const ONE = [
  ...['bundle main@a', 'compact-bundled', 'note'],
  ...['delete refs/kv-archive/main@a', 'delete refs/kv-watchlog/main@a', 'make refs/kv-compacted/main@a'],
  ...['compact-dropped', 'dropped main a'],
];
const ALL_BUT_ONE = { ns: 'main', label: undefined, keepEpochs: 1, dryRun: false };

describe('a compaction', () => {
  it('has a bundle before refs go, and drops objects after them', async () => {
    const { context, did } = around(await namespaceWith(['a', 'b', 'c']));
    const report = await compactNamespace(context, ALL_BUT_ONE);
    expect(did).to.deep.equal([...ONE, 'drop']);
    expect(report).to.deep.equal({
      ...{ ns: 'main', current: 'c', keep_epochs: 1, kept: ['b'], dry_run: false },
      epochs: [
        {
          epoch: 'a',
          refs: ['refs/kv-archive/main@a', 'refs/kv-watchlog/main@a'],
          bundle: '/archives/main@a',
          bundle_bytes: 100,
        },
      ],
      ...{ bytes_before: 1500, bytes_after: 1000, bytes_freed: 500, reclaimed: true },
    });
  });

  it('leaves everything where no bundle can be written', async () => {
    const store = await namespaceWith(['a', 'b', 'c']);
    const before = await store.refs(['refs/']);
    const { context, did } = around(store, { full: true });
    await rejects(compactNamespace(context, ALL_BUT_ONE), 'IO_ERROR');
    expect([did, await store.refs(['refs/'])]).to.deep.equal([[], before]);
  });

  it('leaves the objects to the next one while pushes are at hand', async () => {
    const store = await namespaceWith(['a', 'b', 'c']);
    const busy = around(store, { busy: true });
    expect((await compactNamespace(busy.context, ALL_BUT_ONE)).reclaimed).to.equal(false);
    expect(busy.did).to.deep.equal([...ONE, 'later']);
    const quiet = { ...busy.context, quietly: around(store).context.quietly };
    const again = await compactNamespace(quiet, ALL_BUT_ONE);
    expect([again.epochs, again.reclaimed, busy.did.at(-1)]).to.deep.equal([[], true, 'drop']);
  });

  it('only says what it would do', async () => {
    const { context, did } = around(await namespaceWith(['a', 'b', 'c']));
    const report = await compactNamespace(context, { ...ALL_BUT_ONE, keepEpochs: 0, dryRun: true });
    expect(report.epochs.map(({ epoch, bundle }) => [epoch, bundle])).to.deep.equal([
      ['a', null],
      ['b', null],
    ]);
    // Two refs of a and two of b go, two of c stay.
    expect([report.bytes_before, report.bytes_after, report.bytes_freed, report.reclaimed]).to.deep.equal([60, 20, 40, false]);
    expect(did).to.deep.equal([]);
  });

  it('tells that an epoch was compacted before, and where it is', async () => {
    const { context } = around(await namespaceWith(['a', 'b']));
    const request = { ...ALL_BUT_ONE, label: 'a' };
    await compactNamespace(context, request);
    const error = await rejects(compactNamespace(context, request), 'NOT_FOUND');
    expect(error.hint).to.contain('its bundle is /archives/main@a on the Stargate');
  });
});

describe('bundles that left no trace', () => {
  it('get one, unless their epoch is here or they cannot be read', async () => {
    const store = await namespaceWith(['a', 'b']);
    const { bundles, gateway, kept, did } = around(store);
    kept.set('main@old', new Map([['refs/kv-archive/main@old', 'a'.repeat(40)]]));
    kept.set('main@a', new Map([['refs/kv-archive/main@a', 'a'.repeat(40)]]));
    kept.set('main@other', new Map([['refs/kv-archive/main@x', 'a'.repeat(40)]]));
    kept.set('main@bad', new Map());
    kept.set('backup', new Map());
    const unreadable: string[] = [];
    const trace = () =>
      traceBundles({
        ...{ bundles, store, gateway },
        unreadable: (place, { message }) => void unreadable.push(`${place}: ${message}`),
      });
    expect(await trace()).to.deep.equal(['refs/kv-compacted/main@old']);
    expect(did).to.deep.equal(['make refs/kv-compacted/main@old']);
    expect(unreadable).to.deep.equal([
      '/archives/main@other: it does not hold refs/kv-archive/main@other',
      '/archives/main@bad: it cannot be read',
    ]);
    expect(await trace()).to.deep.equal([]);
  });
});
