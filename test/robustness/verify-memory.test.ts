import { expect } from 'chai';
import { utf8 } from '../../domain/git/bytes.js';
import type { Finding } from '../../domain/client/verify/findings.js';
import type { Oid } from '../../ports/vocabulary.js';
import { MemorySpoilt } from './spoilt-memory.js';

const LEDGER = 'refs/kv/main';
const INDEX = 'refs/kv-index/main';

for (const format of ['sha1', 'sha256'] as const) {
  describe(`what a verification finds in a ledger (${format})`, () => {
    let spoilt: MemorySpoilt;
    before(async () => {
      spoilt = await MemorySpoilt.filled(format);
    });
    afterEach(() => spoilt.restore());
    after(() => spoilt.close());

    const whats = (faults: readonly Finding[]): string => faults.map(({ what }) => what).join('\n');
    const expectFault = async (pattern: RegExp, full = false): Promise<readonly Finding[]> => {
      const { faults } = await spoilt.verify(full);
      expect(whats(faults)).to.match(pattern);
      return faults;
    };

    it('finds nothing in what is sound, at either depth', async () => {
      for (const full of [false, true]) expect((await spoilt.verify(full)).faults).to.deep.equal([]);
    });

    describe('damaged objects', () => {
      const blobOfA = async (): Promise<Oid> => (await spoilt.files(LEDGER)).get(await spoilt.path(LEDGER, '/cfg:a')) as Oid;

      for (const [how, damage] of [
        ['missing', 'missing'],
        ['unreadable', 'unreadable'],
        ['changed', utf8('rubbish')],
      ] as const) {
        it(`every ${how} object is named, whatever it is`, async () => {
          const objects = await spoilt.reachable();
          expect(objects.length).to.be.greaterThan(60);
          for (const oid of objects) {
            spoilt.damage(oid, damage);
            const { faults } = await spoilt.verify(true);
            await spoilt.restore();
            expect(
              faults.some((fault) => JSON.stringify(fault).includes(oid)),
              `${oid} in ${whats(faults)}`,
            ).to.equal(true);
          }
        });
      }

      it('all faults are listed, not only the first', async () => {
        const chunk = [...(await spoilt.files(spoilt.chunksRef)).values()][0] as Oid;
        spoilt.damage(await blobOfA(), 'missing');
        spoilt.damage(chunk, 'unreadable');
        const faults = await expectFault(/"cfg:a": its value is missing/, true);
        expect(faults.some(({ key, what }) => key === 'large' && /chunk \d has no bytes/.test(what))).to.equal(true);
      });
    });

    describe('refs', () => {
      it('an index ref that is behind', async () => {
        await spoilt.move(INDEX, (await spoilt.line(INDEX)).at(-2) as Oid);
        await expectFault(/has no index commit/);
        await expectFault(/shows transaction/);
      });

      it('a ledger ref on an index commit, and no other ledger', async () => {
        await spoilt.move(LEDGER, (await spoilt.commitAt(INDEX)).oid);
        await expectFault(/refs\/kv\/main at [0-9a-f]+, which is no ledger commit \(/);
      });

      it('an epoch ref that is not where the epoch begins', async () => {
        await spoilt.move('refs/kv-epoch/main', (await spoilt.commitAt(LEDGER)).oid);
        await expectFault(/refs\/kv-epoch\/main points to/);
      });

      it('a chunks ref on another commit', async () => {
        await spoilt.move(spoilt.chunksRef, (await spoilt.commitAt(INDEX)).oid);
        await expectFault(/trailer KV-Ledger-Tree does not belong here|belongs to no ledger commit/);
      });

      it('no index ref', async () => {
        await spoilt.move(INDEX, null);
        await expectFault(/there is refs\/kv\/main, but no refs\/kv-index\/main/);
      });
    });

    describe('forged transactions, bound and signed', () => {
      for (const full of [false, true]) {
        const depth = full ? ', --full' : '';
        it(`an index pointer removed${depth}`, async () => {
          await spoilt.amend({ index: await spoilt.treeOf(INDEX, await spoilt.path(INDEX, '/cfg:b.ref'), null) });
          const faults = await expectFault(/^index of namespace main does not agree with its ledger at "cfg:b"/m, full);
          expect(faults.filter(({ key }) => key !== undefined).map(({ key }) => key)).to.deep.equal(['cfg:b']);
        });

        it(`an index pointer to another value${depth}`, async () => {
          const path = await spoilt.path(INDEX, '/cfg:a.ref');
          const blob = await spoilt.blob((await spoilt.text(INDEX, path)).replace('"size":5', '"size":6'));
          await spoilt.amend({ index: await spoilt.treeOf(INDEX, path, blob) });
          await expectFault(/^index of namespace main does not agree with its ledger at "cfg:a"/m, full);
        });

        it(`a file that has no place in a ledger${depth}`, async () => {
          await spoilt.amend({ ledger: await spoilt.treeOf(LEDGER, 'README', await spoilt.blob('x')) });
          await expectFault(/"README" is no place for a key/, full);
        });

        it(`directories that have no place in a ledger, an index or among chunks${depth}`, async () => {
          await spoilt.amend({ ledger: await spoilt.directoryOf(LEDGER, 'kv/main/data/\u001b[2J') });
          await expectFault(/^"kv\/main\/data\/\\u001b\[2J" is a directory that has no place there$/m, full);
          await spoilt.restore();
          await spoilt.amend({ ledger: await spoilt.directoryOf(LEDGER, 'kv/main/meta/00/00') });
          await expectFault(/^"kv\/main\/meta\/00\/00" is an empty directory/m, full);
          await spoilt.restore();
          await spoilt.amend({ index: await spoilt.directoryOf(INDEX, 'kv/main/index/zz/zz') });
          await expectFault(/^"kv\/main\/index\/zz\/zz" is an empty directory/m, full);
          await spoilt.restore();
          await spoilt.amend({ index: await spoilt.directoryOf(INDEX, 'kv/main/index/long') });
          await expectFault(/^"kv\/main\/index\/long" is a directory that has no place there/m, full);
          await spoilt.restore();
          await spoilt.toChunkTransaction();
          await spoilt.amend({ chunks: await spoilt.directoryOf(spoilt.chunksRef, 'kv/main/chunks/md5') });
          await expectFault(/^"kv\/main\/chunks\/md5" is a directory that has no place there/m, full);
        });

        it(`a directory that stands twice in a ledger, and in an index${depth}`, async () => {
          const shard = (await spoilt.path(LEDGER, '/cfg:a')).split('/').slice(0, 4);
          const tree = await spoilt.idAt(LEDGER, shard.join('/'));
          await spoilt.amend({ ledger: await spoilt.directoryOf(LEDGER, 'kv/main/data/00', tree) });
          // Step by step, the one that was there before is not looked at again: its keys lie in the wrong place.
          await expectFault(/is the same directory as another one$|is no place for a key|does not agree with its ledger/m, full);
          await spoilt.restore();
          await spoilt.amend({
            index: await spoilt.directoryOf(INDEX, 'kv/main/index/00', await spoilt.idAt(INDEX, 'kv/main/index/cf')),
          });
          // Step by step, the one that was there before is not looked at again: its keys lie in the wrong place.
          await expectFault(/is the same directory as another one$|is no place for a key|does not agree with its ledger/m, full);
        });

        it(`metadata without its value${depth}`, async () => {
          await spoilt.amend({ ledger: await spoilt.treeOf(LEDGER, await spoilt.path(LEDGER, '/cfg:a'), null) });
          await expectFault(
            /"cfg:a": its? (must have either an inline value or a manifest|value changed without its metadata)/,
            full,
          );
        });

        it(`a chunk removed from the chunks${depth}`, async () => {
          const [path] = [...(await spoilt.files(spoilt.chunksRef)).keys()] as [string];
          await spoilt.toChunkTransaction();
          await spoilt.amend({ chunks: await spoilt.treeOf(spoilt.chunksRef, path, null) });
          await expectFault(/"large": chunk \d .* is not among the chunks/, full);
        });

        it(`a chunk swapped for another${depth}`, async () => {
          const [[path], [, blob]] = [...(await spoilt.files(spoilt.chunksRef))] as [[string, Oid], [string, Oid]];
          await spoilt.toChunkTransaction();
          await spoilt.amend({ chunks: await spoilt.treeOf(spoilt.chunksRef, path, blob) });
          await expectFault(/is not among the chunks of the epoch/, full);
          if (full) await expectFault(/^chunk \w+ has digest/m, full);
        });

        for (const [name, change, pattern] of manifests(full)) {
          it(`a manifest with ${name}${depth}`, async () => {
            const path = await spoilt.path(LEDGER, '/large.manifest.json');
            const fields = JSON.parse(await spoilt.text(LEDGER, path)) as Fields;
            change(fields);
            const blob = await spoilt.blob(JSON.stringify(fields));
            const meta = await spoilt.path(LEDGER, '/large.meta');
            const remade = await spoilt.blob((await spoilt.text(LEDGER, meta)).replace('octet-stream', 'octet-streams'));
            await spoilt.amend({ ledger: await spoilt.tree(await spoilt.treeOf(LEDGER, path, blob), meta, remade) });
            const faults = await expectFault(pattern, full);
            expect(faults.some(({ key }) => key === 'large')).to.equal(true);
          });
        }
      }

      it('an ETag that is not the digest of the value is found by --full', async () => {
        const path = await spoilt.path(LEDGER, '/cfg:a');
        await spoilt.amend({ ledger: await spoilt.treeOf(LEDGER, path, await spoilt.blob('THREE')) });
        await expectFault(/"cfg:a": its value changed without its metadata/, true);
      });

      it('a signature over something else, and trailers that bind nothing', async () => {
        const commit = await spoilt.commitAt(LEDGER);
        await spoilt.commit(LEDGER, { ...commit, message: commit.message.replace(/^Keys-Del: .*$/m, 'Keys-Del: 7') });
        const faults = await expectFault(/Keys-Set 0 and Keys-Del 7, but the trees set 0 and delete 1/, true);
        expect(faults.some(({ code }) => code === 'SIGNATURE_INVALID')).to.equal(true);
        await expectFault(/the signature/);
      });
    });
  });
}

type Chunk = { i: number; size: number; digest: string; blob_oid: string };
type Fields = { total_size: number; etype: string; chunks: Chunk[] };

/** What is wrong with a manifest, how it comes about, and what is found. */
function manifests(full: boolean): readonly [string, (fields: Fields) => void, RegExp][] {
  return [
    ['a wrong total', (fields) => (fields.total_size += 1), /a field is missing or has the wrong type/],
    ['sizes that only add up', (fields) => swapSizes(fields.chunks), /has \d+ bytes, its manifest says \d+/],
    ['chunks out of order', (fields) => fields.chunks.reverse(), /a field is missing or has the wrong type/],
    [
      'a wrong digest',
      (fields) => ((fields.chunks[0] as Chunk).digest = `sha256:${'0'.repeat(64)}`),
      /is not among the chunks of the epoch/,
    ],
    [
      'a digest that is none',
      (fields) => ((fields.chunks[0] as Chunk).digest = 'sha256:xyz'),
      /a field is missing or has the wrong type/,
    ],
    ['another ETag', (fields) => (fields.etype = `blake3:${'0'.repeat(64)}`), /have different ETags/],
    [
      'numbered chunks in another order',
      (fields) => renumber(fields.chunks.reverse()),
      full ? /together they are not the value/ : /does not agree with its ledger at "large"/,
    ],
  ];
}

function swapSizes(chunks: Chunk[]): void {
  const [a, b] = chunks as [Chunk, Chunk];
  [a.size, b.size] = [a.size + 1, b.size - 1];
}

function renumber(chunks: Chunk[]): void {
  for (const [i, chunk] of chunks.entries()) chunk.i = i;
}
