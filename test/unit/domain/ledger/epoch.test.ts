import { expect } from 'chai';
import { PathEdits, seal } from '../../../../domain/git/tree/tree-draft.js';
import { MODE_FILE } from '../../../../domain/git/tree/tree.js';
import { listPointers } from '../../../../domain/index/list.js';
import { updateIndex } from '../../../../domain/index/update.js';
import { archiveCommit, archiveMessage, checkFreshLabel, liveChunks, liveIndex } from '../../../../domain/ledger/epoch.js';
import { firstEpochLabel } from '../../../../domain/ledger/first-label.js';
import { chunkDirs, encodeManifest } from '../../../../domain/ledger/value/manifest.js';
import { encodePointer, type Pointer, pointerMode, tombstone } from '../../../../domain/ledger/value/pointer.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { all } from '../../../support/all.js';
import { failure } from '../../../support/failure.js';
import { FORMATS, memory } from '../../../support/memory/memory.js';

type Space = ReturnType<typeof memory>;

const live = (key: string, ttl: string | null): Pointer => ({
  ...{ key, type: 'inline', ledgerBlob: 'a'.repeat(40), manifestBlob: null, size: 1, ctype: 'text/plain', ttl },
});

async function put({ store, namer, oidBytes }: Space, files: readonly (readonly [string[], string, Uint8Array])[]): Promise<Oid> {
  const out: NewObject[] = [];
  const edits = new PathEdits();
  for (const [dirs, name, bytes] of files) {
    const blob = namer.object('blob', bytes);
    out.push(blob);
    edits.put(dirs, name, { mode: MODE_FILE, oid: blob.oid, previous: null });
  }
  const tree = seal(await edits.load(store, null, oidBytes), namer, out) as Oid;
  await store.write(out);
  return tree;
}

for (const format of FORMATS)
  describe(`domain: what a new epoch begins with (${format})`, () => {
    let space: Space;
    beforeEach(() => {
      space = memory(format);
    });

    /** An index of these pointers. */
    async function indexOf(pointers: readonly Pointer[]): Promise<Oid> {
      const { store, namer } = space;
      const out: NewObject[] = [];
      const files = pointers.map((pointer) => {
        const blob = namer.object('blob', encodePointer(pointer));
        out.push(blob);
        return [pointer.key, { mode: pointerMode(pointer), oid: blob.oid }] as const;
      });
      const tree = await updateIndex(store, namer, 'main', null, new Map(files), out);
      await store.write(out);
      return tree;
    }

    it('is the index without what was deleted, however much that is', async () => {
      const { store, namer, oidBytes } = space;
      const many = Array.from({ length: 2100 }, (_, i) => `k${String(i).padStart(4, '0')}`);
      const kept = [
        live('a', null),
        live('b', '2030-01-01T00:00:00.000Z'),
        ...many.slice(2000).map((key) => live(key, '2030-01-01T00:00:00.000Z')),
      ];
      const tree = await indexOf([...kept, ...many.slice(0, 2000).map(tombstone)]);
      const out: NewObject[] = [];
      const fresh = await liveIndex(store, namer, 'main', tree, out);
      await store.write(out);
      const listed = await all(listPointers(store, 'main', fresh, { prefix: '' }, oidBytes));
      expect(listed.map(({ urlsafe }) => urlsafe)).to.deep.equal(kept.map(({ key }) => key));
      expect(fresh).to.equal(await indexOf(kept));
    });

    it('is the chunks that live values are of', async () => {
      const { store, namer } = space;
      const [digest, blob] = ['d'.repeat(64), namer.oid('blob', new Uint8Array(1))];
      const manifest = encodeManifest({
        ...{ key: 'big', totalSize: 1, gitHash: format, etag: `blake3:${'0'.repeat(64)}`, chunks: [{ size: 1, digest, blob }] },
        chunking: { mode: 'fixed', size: 1 },
      });
      const at = ['kv', 'main', 'data', 'ab', 'cd'];
      const ledger = await put(space, [
        [at, 'big.manifest.json', manifest],
        [at, 'small', Uint8Array.of(1)],
      ]);
      const out: NewObject[] = [];
      const tree = await liveChunks(store, namer, 'main', ledger, out);
      const edits = new PathEdits();
      edits.put(chunkDirs('main', digest), digest, { mode: MODE_FILE, oid: blob, previous: null });
      expect(tree).to.equal(seal(await edits.load(store, null, space.oidBytes), namer, []));
      const plain = await put(space, [[at, 'small', Uint8Array.of(1)]]);
      expect(await liveChunks(store, namer, 'main', plain, [])).to.equal(null);
      expect(await liveChunks(store, namer, 'other', ledger, [])).to.equal(null);
    });

    it('keeps the one before by one commit of its last state', () => {
      const [ledger, index, tree] = ['1', '2', '3'].map((digit) => digit.repeat(format === 'sha1' ? 40 : 64)) as [Oid, Oid, Oid];
      const commit = archiveCommit(
        space.namer,
        { ns: 'main', label: '2026Q1', ledger, tree, index },
        'x <x@example.org> 0 +0000',
      );
      expect(commit.type).to.equal('commit');
      expect(Buffer.from(commit.body).toString()).to.equal(
        `tree ${tree}\nparent ${ledger}\nparent ${index}\nauthor x <x@example.org> 0 +0000\ncommitter x <x@example.org> 0 +0000\n\n${archiveMessage('main', '2026Q1')}`,
      );
      expect(archiveMessage('main', '2026Q1')).to.equal('kv-archive: main@2026Q1\n\nKV-NS: main\nEpoch: 2026Q1\n');
    });
  });

describe('domain: the label of an epoch', () => {
  it('is the quarter of a year, for the first', () => {
    const labels = [0, 2, 3, 8, 9, 11].map((month) => firstEpochLabel(Date.UTC(2026, month, 28, 23, 59)));
    expect(labels).to.deep.equal(['2026Q1', '2026Q1', '2026Q2', '2026Q3', '2026Q4', '2026Q4']);
  });

  it('names no other epoch that there is or was', async () => {
    checkFreshLabel('main', '2026Q1', false);
    const error = await failure((async () => checkFreshLabel('main', '2026Q1', true))(), 'CAS_CONFLICT');
    expect(error.message).to.contain('2026Q1');
  });
});
