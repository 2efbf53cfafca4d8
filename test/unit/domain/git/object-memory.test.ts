import { expect } from 'chai';
import { GIT_MEMORY_CAPABILITIES, GitMemoryStore } from '../../../../adapters/git-memory/store.js';
import { ObjectNamer } from '../../../../domain/git/object.js';
import { withObjectMemory } from '../../../../domain/git/object-memory.js';
import { entrySize, MODE_DIR, MODE_FILE, writeEntry } from '../../../../domain/git/tree/tree.js';
import { nodeHasher } from '../../../../adapters/hasher-node/open.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { gitStoreContract } from '../../../contracts/git-store.js';

gitStoreContract('git-memory behind a memory of objects', GIT_MEMORY_CAPABILITIES, async (format) => ({
  store: withObjectMemory(new GitMemoryStore(format)),
}));

describe('the memory of objects', () => {
  const namer = new ObjectNamer(nodeHasher(), 'sha1');
  const blob = namer.object('blob', new TextEncoder().encode('v'));
  const tree = (...entries: readonly (readonly [string, string, Oid])[]): NewObject => {
    const body = new Uint8Array(entries.reduce((sum, [mode, name, oid]) => sum + entrySize(mode, name, oid), 0));
    let at = 0;
    for (const [mode, name, oid] of entries) at = writeEntry(mode, name, oid, body, at);
    return namer.object('tree', body);
  };

  /** A store that counts the objects that it is asked for, with a memory of so many bytes. */
  async function watched(bytes: number, objects: readonly NewObject[]) {
    const store = new GitMemoryStore('sha1');
    await store.write(objects);
    const asked: Oid[] = [];
    const read = store.read.bind(store);
    store.read = (...args) => {
      asked.push(...args[0]);
      return read(...args);
    };
    return { asked, memory: withObjectMemory(store, bytes) };
  }

  it('asks for a tree once, and for a blob each time', async () => {
    const leaf = tree([MODE_FILE, 'a', blob.oid]);
    const root = tree([MODE_DIR, 'd', leaf.oid]);
    const { asked, memory } = await watched(1 << 20, [blob, leaf, root]);
    for (let i = 0; i < 3; i++)
      expect((await memory.readPaths(root.oid, ['d/a', 'd/b', 'x/a', 'd/a/b']))[0]?.oid).to.equal(blob.oid);
    expect(asked.filter((oid) => oid === root.oid)).to.have.length(1);
    expect(asked.filter((oid) => oid === leaf.oid)).to.have.length(1);
    expect(asked.filter((oid) => oid === blob.oid).length).to.be.at.least(3);
  });

  it('forgets what was not used for long, and holds no more than it may', async () => {
    const leaves = Array.from({ length: 100 }, (_, i) => tree([MODE_FILE, `f${i}`, blob.oid]));
    const { asked, memory } = await watched(20_000, [blob, ...leaves]);
    const hot = leaves[0] as NewObject;
    for (const { oid } of leaves) {
      await memory.readPaths(oid, ['x']);
      await memory.readPaths(hot.oid, ['x']);
    }
    expect(
      asked.filter((oid) => oid === hot.oid),
      'in use all the time',
    ).to.have.length(1);
    const before = asked.length;
    await memory.readPaths((leaves[1] as NewObject).oid, ['x']);
    expect(asked.length, 'long unused').to.equal(before + 1);
  });
});
