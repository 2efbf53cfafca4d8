import { expect } from 'chai';
import { utf8 } from '../../../../../domain/git/bytes.js';
import { chunkDirs, encodeManifest } from '../../../../../domain/ledger/value/manifest.js';
import { checkChunkedContent } from '../../../../../domain/verify/keys/chunked-content.js';
import type { SetChange } from '../../../../../domain/verify/keys/ledger-changes.js';
import { checkManifests, chunksIn, type ManifestRequest } from '../../../../../domain/verify/keys/manifests.js';
import { checkDigests, checkNewChunks } from '../../../../../domain/verify/keys/new-chunks.js';
import type { NamespacePolicy } from '../../../../../ports/stargate/policy-reader.js';
import type { Oid } from '../../../../../ports/vocabulary.js';
import type { File, Told } from '../../../../support/formats/rules.js';
import { digestOf, etagOf, KeysBench, POLICY } from '../../../../support/formats/keys-bench.js';

const GONE = 'f'.repeat(40);
const CHUNKS = ['0123456789', 'abcdefghij', 'xyz'];
const wrongKey = (key: string, object?: Oid): Told => ({
  code: 'ATTESTATION_MISMATCH',
  subject: { key, ...(object === undefined ? {} : { object }) },
});
const wrongChunk = (chunk: string, object?: Oid): Told => ({
  code: 'ATTESTATION_MISMATCH',
  subject: { chunk, ...(object === undefined ? {} : { object }) },
});
const pathOf = (body: string, ns = 'main'): string => [...chunkDirs(ns, digestOf(body)), digestOf(body)].join('/');

describe('manifests of changed keys', () => {
  let bench: KeysBench;
  let tree: Oid;
  beforeEach(async () => {
    bench = new KeysBench();
    tree = await chunksTree(...CHUNKS);
  });

  const chunksTree = (...bodies: string[]): Promise<Oid> =>
    bench.tree(Object.fromEntries(bodies.map((body) => [pathOf(body), body])));
  const check = async (sets: readonly SetChange[], change: Partial<ManifestRequest> = {}, rules = bench.rules) => {
    const request = { policy: null, findChunks: chunksIn(rules, tree), content: false, ...change };
    const metas = new Map(sets.map(({ key }) => [key, bench.meta(CHUNKS.join(''))]));
    const { sizes, values, bytes } = await checkManifests(rules, request, sets, metas);
    return { sizes: Object.fromEntries(sizes), values, bytes, told: bench.told() };
  };

  it('are sound when they name chunks of the epoch, and give the value’s size', async () => {
    const big = await bench.chunked('big', CHUNKS);
    const inline = await bench.inline('a', 'one');
    expect(await check([inline, big])).to.deep.equal({ sizes: { big: 23 }, values: 0, bytes: 0, told: [] });
    expect(await check([big, inline], { content: true })).to.deep.equal({ sizes: { big: 23 }, values: 1, bytes: 23, told: [] });
    expect(await check([inline])).to.deep.equal({ sizes: {}, values: 0, bytes: 0, told: [] });
    // The same chunk twice is in the tree once.
    const twice = {
      ...big,
      manifest: await bench.blob(encodeManifest(await bench.manifest('big', ['xyz', 'xyz'], { etag: etagOf(CHUNKS.join('')) }))),
    };
    expect(await check([twice])).to.deep.equal({ sizes: { big: 6 }, values: 0, bytes: 0, told: [] });
  });

  it('are the key’s, of this object format, with the ETag of the metadata', async () => {
    const other = await bench.chunked('big', CHUNKS, { key: 'other' });
    expect((await check([other])).told).to.deep.equal([wrongKey('big')]);
    expect((await check([await bench.chunked('big', CHUNKS, { gitHash: 'sha256' })])).told).to.deep.equal([wrongKey('big')]);
    expect((await check([await bench.chunked('big', CHUNKS, { etag: etagOf('x') })])).told).to.deep.equal([wrongKey('big')]);
    // Metadata that can't be read has been told.
    const unread = await checkManifests(
      bench.rules,
      { policy: null, findChunks: chunksIn(bench.rules, tree), content: false },
      [await bench.chunked('big', CHUNKS, { etag: etagOf('x') })],
      new Map(),
    );
    expect([bench.told(), [...unread.sizes]]).to.deep.equal([[], [['big', 23]]]);
  });

  it('that are missing or can’t be read are told, and the others are checked', async () => {
    const [big, next] = [
      await bench.chunked('big', CHUNKS),
      await bench.chunked('next', ['xyz'], { etag: etagOf(CHUNKS.join('')) }),
    ];
    const gone = await check([{ ...big, manifest: GONE }, next]);
    expect(gone).to.deep.include({ sizes: { next: 3 }, told: [wrongKey('big', GONE)] });
    const rubbish = await check([{ ...big, manifest: await bench.blob('rubbish') }, next]);
    expect(rubbish.sizes).to.deep.equal({ next: 3 });
    expect(rubbish.told.map(({ code, subject }) => [code, subject])).to.deep.equal([['ATTESTATION_MISMATCH', { key: 'big' }]]);
  });

  it('name chunks by digest, blob and size, each of which is there', async () => {
    const [first = ''] = CHUNKS;
    const manifest = await bench.manifest('big', CHUNKS);
    const changed = async (at: number, change: Partial<(typeof manifest.chunks)[number]>): Promise<SetChange> => {
      const chunks = manifest.chunks.map((chunk, i) => (i === at ? { ...chunk, ...change } : chunk));
      const totalSize = chunks.reduce((sum, { size }) => sum + size, 0);
      return {
        ...(await bench.chunked('big', CHUNKS)),
        manifest: await bench.blob(encodeManifest({ ...manifest, chunks, totalSize })),
      };
    };
    const blobs = manifest.chunks.map(({ blob }) => blob);
    expect(await check([await changed(1, { digest: digestOf('none') })], { content: true })).to.deep.equal({
      ...{ sizes: { big: 23 }, values: 0, bytes: 0 },
      told: [wrongKey('big', blobs[1])],
    });
    expect((await check([await changed(1, { digest: digestOf(first) })])).told).to.deep.equal([wrongKey('big', blobs[1])]);
    expect((await check([await changed(0, { blob: GONE })])).told).to.deep.equal([wrongKey('big', GONE)]);
    expect((await check([await changed(2, { size: 4 })], { content: true })).told).to.deep.equal([wrongKey('big', blobs[2])]);
    const without = await chunksTree(first, 'xyz');
    expect(
      (await check([await bench.chunked('big', CHUNKS)], { findChunks: chunksIn(bench.rules, without) })).told,
    ).to.deep.equal([wrongKey('big', blobs[1])]);
    expect((await check([await bench.chunked('big', CHUNKS)], { findChunks: chunksIn(bench.rules, null) })).told).to.deep.equal(
      blobs.map((blob) => wrongKey('big', blob)),
    );
    const set = await bench.chunked('big', CHUNKS);
    bench.store.forget([blobs[1] ?? '']);
    expect((await check([set])).told).to.deep.equal([wrongKey('big', blobs[1])]);
  });

  it('are held against nothing where the chunks are not all here', async () => {
    const set = await bench.chunked('big', CHUNKS);
    expect(await check([set], { findChunks: async () => null, content: true })).to.deep.equal({
      ...{ sizes: { big: 23 }, values: 0, bytes: 0, told: [] },
    });
  });

  it('are of values that the policy takes', async () => {
    const big = await bench.chunked('big', CHUNKS);
    const total = (maxValueTotal: number) => check([big], { policy: { ...POLICY, maxValueTotal } });
    expect((await total(23)).told).to.deep.equal([]);
    expect((await total(22)).told).to.deep.equal([
      { code: 'POLICY_VIOLATION', subject: { key: 'big' }, facts: { size: 23, limit: 22 } },
    ]);
  });

  it('are not parsed when they are longer than one can be', async () => {
    const fixed = { ...POLICY, maxValueTotal: 1000, chunking: { mode: 'fixed', size: 10 } } as const;
    const cut: NamespacePolicy = {
      ...POLICY,
      maxValueTotal: 1000,
      chunking: { mode: 'fastcdc', min: 20, avg: 100, max: 200, nc: 1 },
    };
    for (const [policy, limit] of [
      [fixed, 65_536 + 256 * 400],
      [cut, 65_536 + 256 * 200],
    ] as const) {
      const long = (extra: number): Promise<SetChange> => manifestOf('x'.repeat(limit + extra));
      const told = [{ code: 'POLICY_VIOLATION', facts: { size: limit + 1, limit } }];
      const over = await check([await long(1)], { policy });
      expect(over.told.map(({ code, facts }) => ({ code, facts }))).to.deep.equal(told);
      expect(over.told[0]?.subject).to.deep.equal({ key: 'big', object: await bench.blob('x'.repeat(limit + 1)) });
      expect(over.sizes).to.deep.equal({});
      expect((await check([await long(0)], { policy })).told[0]?.code).to.equal('ATTESTATION_MISMATCH');
      expect((await check([await long(1)])).told[0]?.code).to.equal('ATTESTATION_MISMATCH');
    }
    const bounds = { treeEntries: 100, manifestBytes: 100 };
    const set = await manifestOf('x'.repeat(101));
    expect((await check([set], { policy: fixed }, { ...bench.rules, bounds })).told).to.deep.equal([
      { code: 'POLICY_VIOLATION', subject: { key: 'big', object: set.manifest }, facts: { size: 101, limit: 100 } },
    ]);
    const read = bench.noted();
    await check([set], {}, { ...read.rules, bounds });
    expect(read.read).to.deep.equal([]);
  });
  const manifestOf = async (text: string): Promise<SetChange> => ({
    ...(await bench.chunked('big', CHUNKS)),
    manifest: await bench.blob(text),
  });

  it('say what memory they take, and let others have their turn', async () => {
    const charged: [string, number][] = [];
    let turns = 0;
    const bounds = {
      ...{ treeEntries: 100_000, manifestBytes: 1 << 24 },
      charge: (what: string, bytes: number) => void charged.push([what, bytes]),
      pause: async () => void turns++,
    };
    const rules = { ...bench.rules, bounds };
    const set = await bench.chunked('big', CHUNKS);
    const [{ size = 0 } = {}] = (await bench.store.headers([set.manifest])) as { size: number }[];
    await check([set, { ...set, key: 'gone', manifest: GONE }], {}, rules);
    expect(charged).to.deep.equal([
      ['a manifest', 12 * size],
      ['a manifest', 0],
      ['a manifest', 0],
    ]);
    expect(turns).to.equal(0);
    // Some 256 KiB of manifests are a turn; those that can't be read are no work.
    const long = await bench.manifest(
      'long',
      Array.from({ length: 1500 }, () => 'xyz'),
      { etag: etagOf(CHUNKS.join('')) },
    );
    const blob = encodeManifest(long);
    expect(blob.length).to.be.within(131_073, 262_143);
    const one = { ...set, key: 'long', manifest: await bench.blob(blob) };
    const none = { ...rules, bounds };
    await check([one], { findChunks: async () => new Map() }, none);
    expect(turns).to.equal(0);
    await check([one, one, one], { findChunks: async () => new Map() }, none);
    expect(turns).to.equal(1);
    await check([one, one, one, one], { findChunks: async () => null }, none);
    expect(turns).to.equal(3);
  });
});

describe('a value’s chunks, read whole', () => {
  it('are what their digests say, and together what the ETag says', async () => {
    const bench = new KeysBench();
    const bodies = Array.from({ length: 17 }, (_, i) => `chunk ${i}`);
    const manifest = await bench.manifest('big', bodies);
    const check = async (change: Partial<typeof manifest> = {}): Promise<[string, Told][]> => {
      await checkChunkedContent(bench.rules, 'big', { ...manifest, ...change });
      const messages = bench.faults.map(({ message }) => message.replace(/.*?(chunk \d+|its chunks).*/, '$1'));
      return bench.told().map((told, i) => [messages[i] ?? '', told]);
    };
    expect(await check()).to.deep.equal([]);
    expect(await check({ etag: etagOf('x') })).to.deep.equal([['its chunks', wrongKey('big')]]);
    const { chunks } = manifest;
    const swapped = [...chunks.slice(0, 15), chunks[16], chunks[15]] as typeof chunks;
    expect(await check({ chunks: swapped })).to.deep.equal([['its chunks', wrongKey('big')]]);
    const wrong = chunks.map((chunk, i) => (i === 16 ? { ...chunk, digest: digestOf('x') } : chunk));
    expect(await check({ chunks: wrong })).to.deep.equal([['chunk 16', wrongKey('big', chunks[16]?.blob)]]);
    const { rules, read } = bench.noted();
    await checkChunkedContent(rules, 'big', manifest);
    expect(read.map((oids) => oids.length)).to.deep.equal([16, 1]);
    const [, lost = ''] = chunks.map(({ blob }) => blob);
    bench.store.forget([lost]);
    expect(await check()).to.deep.equal([['chunk 1', wrongKey('big', lost)]]);
    await checkChunkedContent(bench.rules, 'big', { ...manifest, chunks: wrong });
    const words = bench.faults.map(({ message }) => message);
    expect(words[0])
      .to.contain(`(${chunks[1]?.digest.slice(0, 12)}…)`)
      .and.contain('missing');
    expect(words[1]).to.not.contain('missing');
    const empty = await bench.manifest('big', []);
    bench.told();
    await checkChunkedContent(bench.rules, 'big', empty);
    expect(bench.told()).to.deep.equal([]);
  });
});

describe('chunks that a transaction adds', () => {
  let bench: KeysBench;
  beforeEach(() => {
    bench = new KeysBench();
  });
  const added = async (before: Oid | null, after: Oid) => {
    const chunks = await checkNewChunks(bench.rules, before, after);
    return { digests: chunks.map(({ digest }) => digest).sort(), told: bench.told(), chunks };
  };
  const foreign = (path: string): Told => ({ code: 'POLICY_VIOLATION', subject: { path } });

  it('lie by their digests, and those that were there stay', async () => {
    const first = await bench.tree({ [pathOf('a')]: 'a' });
    const next = await bench.tree({ [pathOf('b')]: 'b' }, first);
    const { chunks, ...found } = await added(null, first);
    expect(found).to.deep.equal({ digests: [digestOf('a')], told: [] });
    expect(chunks).to.deep.equal([{ digest: digestOf('a'), oid: await bench.blob('a') }]);
    expect(await added(first, next)).to.deep.include({ digests: [digestOf('b')], told: [] });
    expect(await added(next, first)).to.deep.include({ digests: [], told: [wrongChunk(digestOf('b'))] });
    const replaced = await bench.tree({ [pathOf('a')]: 'b' }, first);
    expect(await added(first, replaced)).to.deep.include({ digests: [digestOf('a')], told: [wrongChunk(digestOf('a'))] });
  });

  it('have no place elsewhere, and are plain files', async () => {
    const first = await bench.tree({ [pathOf('a')]: 'a' });
    const misnamed = pathOf('a').replace(/.$/, 'x');
    const places: [string, File][] = [
      ['README', 'x'],
      ['kv/main/chunks/README', 'x'],
      [misnamed, 'a'],
      [pathOf('b').replace(/sha256\/..\/../, 'sha256/00/00'), 'b'],
    ];
    for (const [path, file] of places) {
      const { told } = await added(first, await bench.tree({ [path]: file }, first));
      expect(told, path).to.deep.equal([foreign(path)]);
      expect((await added(await bench.tree({ [path]: file }, first), first)).told, path).to.deep.equal([foreign(path)]);
    }
    for (const mode of ['100755', '120000']) {
      const marked = await bench.tree({ [pathOf('b')]: { mode, oid: await bench.blob('b') } }, first);
      expect(await added(first, marked)).to.deep.include({ digests: [digestOf('b')], told: [foreign(pathOf('b'))] });
      expect((await added(marked, first)).told).to.deep.equal([wrongChunk(digestOf('b'))]);
    }
    const other = await added(first, await bench.tree({ [pathOf('b', 'other')]: 'b' }, first));
    expect(other.told).to.deep.equal([foreign('kv/other')]);
  });

  it('are what their names say, of a size that memory is for, and there', async () => {
    const check = async (...chunks: { digest: string; oid: Oid }[]): Promise<Told[]> => {
      await checkDigests(bench.rules, chunks);
      return bench.told();
    };
    const [a, b, tree] = [await bench.blob('a'), await bench.blob('b'), await bench.tree({ x: 'y' })];
    const good = { digest: digestOf('a'), oid: a };
    expect(await check(good)).to.deep.equal([]);
    const bad = { digest: digestOf('a'), oid: b };
    expect(await check(bad, good)).to.deep.equal([wrongChunk(digestOf('a'), b)]);
    expect(await check({ digest: 'd', oid: GONE }, bad)).to.deep.equal([wrongChunk('d', GONE), wrongChunk(digestOf('a'), b)]);
    expect(await check({ digest: 'd', oid: tree }, bad)).to.deep.equal([wrongChunk('d', tree), wrongChunk(digestOf('a'), b)]);
    const read: Oid[] = [];
    const sized = (size: number) =>
      Object.assign(Object.create(bench.store), {
        headers: async (oids: readonly Oid[]) => oids.map((oid) => ({ oid, type: 'blob', size })),
        read: async (oids: readonly Oid[]) => {
          read.push(...oids);
          return oids.map((oid) => ({ oid, type: 'blob', body: utf8('a') }));
        },
      });
    const most = 64 * 1024 * 1024;
    await checkDigests({ ...bench.rules, store: sized(most + 1) }, [good]);
    expect([bench.told(), read]).to.deep.equal([[wrongChunk(digestOf('a'), a)], []]);
    await checkDigests({ ...bench.rules, store: sized(most) }, [good]);
    expect([bench.told(), read]).to.deep.equal([[], [a]]);
  });
});
