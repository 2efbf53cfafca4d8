import { expect } from 'chai';
import { pathsOf, placeOf } from '../../../../../domain/ledger/paths.js';
import { ledgerChanges } from '../../../../../domain/verify/keys/ledger-changes.js';
import { blobsAt, misplacedFault, treeChanges, treesOf } from '../../../../../domain/verify/trees.js';
import type { Oid } from '../../../../../ports/vocabulary.js';
import { type File, RuleBench, type Told } from '../../../../support/formats/rules.js';

type Part = 'data' | 'manifest' | 'meta';

describe('what a transaction did to keys, as its trees tell it', () => {
  let bench: RuleBench;
  beforeEach(() => {
    bench = new RuleBench();
  });

  const path = (key: string, part: Part): string => pathsOf('main', placeOf(key, bench.namer.hasher))[part];
  /** A ledger's tree with files of keys put in, or taken out. */
  const ledger = (files: Readonly<Record<string, Partial<Record<Part, File>>>>, from: Oid | null = null): Promise<Oid> =>
    bench.tree(
      Object.fromEntries(
        Object.entries(files).flatMap(([key, parts]) =>
          Object.entries(parts).map(([part, file]) => [path(key, part as Part), file] as const),
        ),
      ),
      from,
    );
  const changes = async (before: Oid | null, after: Oid | null) => ({
    ...(await ledgerChanges(bench.rules, before, after)),
    told: bench.told(),
  });
  const none = { changes: [], torn: [], told: [] };
  const torn = (...keys: string[]) => ({
    ...{ changes: [], torn: keys },
    told: keys.map((key): Told => ({ code: 'ATTESTATION_MISMATCH', subject: { key } })),
  });
  const oid = (text: string): Oid => bench.namer.oid('blob', new TextEncoder().encode(text));

  it('are keys that were set, to a value or a manifest, and keys that were deleted', async () => {
    const first = await ledger({ a: { data: '1', meta: 'm1' }, big: { manifest: 'b1', meta: 'm2' } });
    expect(await changes(null, first)).to.deep.equal({
      ...none,
      changes: [
        { key: 'big', op: 'set', meta: oid('m2'), data: null, manifest: oid('b1') },
        { key: 'a', op: 'set', meta: oid('m1'), data: oid('1'), manifest: null },
      ].sort((x, y) => (path(x.key, 'data') < path(y.key, 'data') ? -1 : 1)),
    });
    expect(await changes(first, first)).to.deep.equal(none);
    const gone = await ledger({ a: { data: null, meta: null }, big: { manifest: null, meta: null } }, first);
    const deleted = (await changes(first, gone)).changes.map(({ key, op }) => `${op} ${key}`).sort();
    expect(deleted).to.deep.equal(['del a', 'del big']);
    expect((await changes(first, bench.namer.emptyTree())).changes.length).to.equal(2);
    expect((await changes(first, null)).changes.length).to.equal(2);
  });

  it('are found where metadata alone changed, with the value that is still there', async () => {
    const first = await ledger({ a: { data: '1', meta: 'm1' }, big: { manifest: 'b1', meta: 'm2' } });
    expect(await changes(first, await ledger({ a: { meta: 'm3' } }, first))).to.deep.equal({
      ...none,
      changes: [{ key: 'a', op: 'set', meta: oid('m3'), data: oid('1'), manifest: null }],
    });
    expect(await changes(first, await ledger({ big: { meta: 'm3' } }, first))).to.deep.equal({
      ...none,
      changes: [{ key: 'big', op: 'set', meta: oid('m3'), data: null, manifest: oid('b1') }],
    });
    const other = await ledger({ a: { data: '2', meta: 'm3' } }, first);
    expect((await changes(first, other)).changes).to.deep.equal([
      { key: 'a', op: 'set', meta: oid('m3'), data: oid('2'), manifest: null },
    ]);
  });

  it('may turn a value into chunks, and back', async () => {
    const first = await ledger({ a: { data: '1', meta: 'm1' } });
    const next = await ledger({ a: { data: null, manifest: 'b1', meta: 'm2' } }, first);
    expect(await changes(first, next)).to.deep.equal({
      ...none,
      changes: [{ key: 'a', op: 'set', meta: oid('m2'), data: null, manifest: oid('b1') }],
    });
    expect((await changes(next, first)).changes).to.deep.equal([
      { key: 'a', op: 'set', meta: oid('m1'), data: oid('1'), manifest: null },
    ]);
  });

  it('can’t be told where value and metadata don’t go together', async () => {
    const first = await ledger({ a: { data: '1', meta: 'm1' }, big: { manifest: 'b1', meta: 'm2' }, bare: { meta: 'm3' } });
    const cases: [string, Partial<Record<Part, File>>][] = [
      ['a', { data: '2' }],
      ['a', { data: null }],
      ['a', { manifest: 'b2' }],
      ['big', { manifest: 'b2' }],
      ['a', { meta: null }],
      ['big', { meta: null }],
      ['bare', { meta: null }],
      ['bare', { meta: 'm4' }],
      ['a', { manifest: 'b2', meta: 'm4' }],
      ['a', { data: null, meta: 'm4' }],
      ['big', { manifest: null, meta: 'm4' }],
      ['big', { data: '2', meta: 'm4' }],
      ['a', { data: '2', meta: null }],
      ['big', { manifest: 'b2', meta: null }],
      ['a', { manifest: 'b2', data: null, meta: null }],
      ['new', { data: '1', manifest: 'b1', meta: 'm' }],
      ['new', { data: '1' }],
      ['new', { manifest: 'b1' }],
    ];
    for (const [key, files] of cases)
      expect(await changes(first, await ledger({ [key]: files }, first)), `${key} ${JSON.stringify(files)}`).to.deep.equal(
        torn(key),
      );
    // The others of the same transaction are told all the same.
    const both = await ledger({ a: { data: '2' }, new: { data: '1', meta: 'm' } }, first);
    expect(await changes(first, both)).to.deep.include({
      torn: ['a'],
      changes: [{ key: 'new', op: 'set', meta: oid('m'), data: oid('1'), manifest: null }],
    });
  });

  it('have no place but their own', async () => {
    const first = await ledger({ a: { data: '1', meta: 'm1' } });
    const foreign = (at: string): Told => ({ code: 'POLICY_VIOLATION', subject: { path: at } });
    const shards = placeOf('a', bench.namer.hasher).shards.join('/');
    for (const at of [
      ...['README', 'kv/x', 'kv/main/x', 'kv/main/data/x', 'kv/main/data/00/x'],
      `kv/main/data/${shards}/%61`,
      `kv/main/data/00/00/a`,
      `kv/main/meta/${shards}/a`,
      `kv/main/data/${shards}/a.meta`,
    ])
      expect(await changes(first, await bench.tree({ [at]: 'x' }, first)), at).to.deep.equal({ ...none, told: [foreign(at)] });
    expect((await changes(first, await bench.tree({ 'kv/other/data/00/00/a': 'x' }, first))).told).to.deep.equal([
      foreign('kv/other'),
    ]);
  });

  it('are plain files', async () => {
    const blob = await bench.blob('1');
    for (const part of ['data', 'meta'] as const)
      for (const mode of ['100755', '120000', '160000']) {
        const marked = await ledger({ a: { data: '1', meta: 'm1', [part]: { mode, oid: blob } } });
        const { told, changes: found } = await changes(null, marked);
        expect(told).to.deep.equal([{ code: 'POLICY_VIOLATION', subject: { path: path('a', part), key: 'a' } }]);
        expect(found.length).to.equal(1);
        // What had another mode and is gone is nobody's loss.
        expect((await changes(marked, await ledger({ b: { data: '1', meta: 'm' } }))).told).to.deep.equal([]);
      }
  });

  it('take memory that is said as it grows', async () => {
    const charged: [string, number][] = [];
    bench = new RuleBench({ charge: (what, bytes) => void charged.push([what, bytes]) });
    await changes(null, await ledger({ a: { data: '1', meta: 'm1' }, b: { data: '1', meta: 'm1' } }));
    expect(charged.filter(([what]) => what === 'changed keys').at(-1)).to.deep.equal(['changed keys', 1600]);
    expect(new Set(charged.map(([what]) => what))).to.deep.equal(new Set(['changed keys', 'directories of ledger']));
  });
});

describe('trees that are compared', () => {
  const GONE = 'f'.repeat(40);

  it('are faults where they can’t be read, and count as empty', async () => {
    const bench = new RuleBench();
    const blob = await bench.blob('x');
    const tree = await bench.tree({ README: 'x' });
    const objects = await treesOf(bench.rules).read([GONE, blob, tree]);
    expect(objects.map((object) => [object?.oid, object?.type, object?.body.length])).to.deep.equal([
      [GONE, 'tree', 0],
      [blob, 'tree', 0],
      [tree, 'tree', 34],
    ]);
    expect(bench.faults.map(({ message }) => message.includes('missing'))).to.deep.equal([true, false]);
    const told = [GONE, blob].map((object): Told => ({ code: 'GIT_ERROR', subject: { object } }));
    expect(bench.told()).to.deep.equal(told);
    const changes = await treeChanges(bench.rules, 'chunks', GONE, tree);
    expect(changes.map(({ path, before, after }) => ({ path, before, after }))).to.deep.equal([
      { path: 'README', before: null, after: { mode: '100644', oid: blob } },
    ]);
    expect(bench.told()).to.deep.equal(told.slice(0, 1));
  });

  it('may be the tree without entries, which need not be there', async () => {
    const bench = new RuleBench();
    const [empty, tree] = [bench.namer.emptyTree(), await bench.tree({ README: 'x' })];
    expect((await treeChanges(bench.rules, 'ledger', empty, tree)).length).to.equal(1);
    expect((await treeChanges(bench.rules, 'ledger', tree, empty)).length).to.equal(1);
    expect(await treeChanges(bench.rules, 'ledger', empty, null)).to.deep.equal([]);
    expect(bench.told()).to.deep.equal([]);
  });

  it('hold what their kind may hold', async () => {
    const bench = new RuleBench();
    const codes = { ledger: 'POLICY_VIOLATION', index: 'ATTESTATION_MISMATCH', chunks: 'POLICY_VIOLATION' } as const;
    const places = { ledger: 'kv/main/data/00/00', index: 'kv/main/index/aa/bb/cc', chunks: 'kv/main/chunks/sha256/00/00' };
    for (const [kind, place] of Object.entries(places) as [keyof typeof places, string][]) {
      for (const [at, path] of Object.entries(places)) {
        await treeChanges(bench.rules, kind, null, await bench.tree({ [`${path}/x`]: 'x' }));
        const told = bench.told();
        if (path === place) expect(told).to.deep.equal([]);
        else
          expect(told, `${at} in ${kind}`).to.deep.equal([
            { code: codes[kind], subject: { path: path.split('/').slice(0, 3).join('/') } },
          ]);
      }
      expect(misplacedFault(kind, { path: 'a', what: 'foreign' }).hint).to.not.contain('undefined');
    }
  });

  it('have so many entries as are looked at, in their order', async () => {
    const bench = new RuleBench({ treeEntries: 3 });
    const tree = await bench.tree({ a: 'x', b: 'x', c: 'x' });
    expect((await treeChanges(bench.rules, 'ledger', null, tree)).length).to.equal(3);
    expect(bench.told()).to.deep.equal([]);
    const more = await bench.tree({ d: 'x' }, tree);
    await treeChanges(bench.rules, 'ledger', null, more);
    expect(bench.told()).to.deep.equal([{ code: 'POLICY_VIOLATION', subject: { path: '' } }]);
  });

  it('take memory by what waits, and by what was found', async () => {
    const charged: [string, number][] = [];
    let turns = 0;
    const bench = new RuleBench({ charge: (what, bytes) => void charged.push([what, bytes]), pause: async () => void turns++ });
    const two = await bench.tree({ 'kv/main/data/00/00/a': 'x', 'kv/main/data/01/00/a': 'y' });
    await treeChanges(bench.rules, 'ledger', null, two);
    expect(charged.map(([what, bytes]) => `${what} ${bytes / 300}`)).to.deep.equal(
      [1, 1, 1, 2, 2, 0].map((pairs) => `directories of ledger ${pairs}`),
    );
    charged.length = 0;
    const many = await bench.tree(Object.fromEntries(Array.from({ length: 8200 }, (_, i) => [`f${i}`, { oid: GONE }])));
    await treeChanges(bench.rules, 'chunks', null, many);
    expect(charged.filter(([what]) => what === 'changes of chunks')).to.deep.equal([
      ['changes of chunks', 4096 * 500],
      ['changes of chunks', 8192 * 500],
    ]);
    expect(turns).to.equal(0);
    const plain = new RuleBench();
    expect((await treeChanges({ ...plain.rules, store: bench.store }, 'chunks', null, many)).length).to.equal(8200);
  });

  it('are asked for blobs at paths, and for nothing where there is no tree', async () => {
    const bench = new RuleBench();
    const tree = await bench.tree({ 'a/b': 'x', 'a/c': 'y', d: 'z' });
    const found = await blobsAt(bench.rules, tree, ['a/b', 'a/b', 'd', 'none', 'a/none', 'x/y']);
    expect(Object.fromEntries(found)).to.deep.equal({ 'a/b': await bench.blob('x'), d: await bench.blob('z') });
    expect((await blobsAt(bench.rules, null, ['a/b'])).size).to.equal(0);
    const { rules, read } = bench.noted();
    expect((await blobsAt(rules, tree, [])).size).to.equal(0);
    expect(read).to.deep.equal([]);
  });
});
