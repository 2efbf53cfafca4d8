import { expect } from 'chai';
import type { GitStore } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import { files } from './git-objects.js';
import { rejects } from './git-store-parts/bench.js';
import { type HostBench, plain, point } from './host-parts/bench.js';

/** Writes a blob that nothing reaches; gives its id. */
async function unreached(store: GitStore, content: string): Promise<Oid> {
  const [blob] = files(store.objectFormat, { file: content }).objects;
  if (blob === undefined) throw new Error('a file is a blob');
  await store.write([blob]);
  return blob.oid;
}

/** Every promise of the `repository-upkeep` port. */
export function repositoryUpkeepContract(name: string, factory: () => Promise<HostBench>): void {
  describe(`repository-upkeep contract: ${name}`, function () {
    this.timeout(30_000);
    let bench: HostBench;
    let store: GitStore;
    beforeEach(async () => {
      bench = await factory();
      await bench.host.create(plain());
      store = await bench.openStore();
    });
    afterEach(async () => {
      await store.close();
      await bench.dispose();
    });

    it('repacks, and every object stays', async () => {
      const kept = await point(store, 'refs/heads/a', 'kept');
      const replaced = await point(store, 'refs/heads/b', 'first');
      await point(store, 'refs/heads/b', 'second');
      await bench.upkeep.repack();
      expect((await store.read([kept, replaced])).map((object) => object?.oid)).to.deep.equal([kept, replaced]);
    });

    it('repacks while objects are dropped that nothing reaches, several times at once', async () => {
      const kept = await point(store, 'refs/heads/a', 'kept');
      const repacks: Promise<void>[] = [];
      for (let round = 0; round < 4; round++) {
        const gone = await Promise.all(Array.from({ length: 60 }, (_, at) => unreached(store, `gone ${round} ${at}`)));
        repacks.push(bench.upkeep.repack());
        const dropped = gone.map(async (oid, at) => {
          await new Promise((resolve) => setTimeout(resolve, at)); // spread over the time that a repack takes
          await bench.upkeep.dropLoose?.(oid);
        });
        await Promise.all(dropped);
      }
      await Promise.all(repacks); // none has missed what was there when it began
      const fresh = await bench.openStore();
      const [read] = await fresh.headers([kept]);
      await fresh.close();
      expect(read?.oid).to.equal(kept);
    });

    it('repacks nothing once it is told to stop', async () => {
      await point(store, 'refs/heads/a', 'one');
      await rejects(bench.upkeep.repack(AbortSignal.abort()), 'INTERRUPTED');
    });

    it('drops what no ref reaches, unless it is young, and forgets the note', async () => {
      const kept = await point(store, 'refs/heads/a', 'kept');
      const gone = await point(store, 'refs/heads/b', 'gone');
      const young = await point(store, 'refs/heads/c', 'young');
      expect(await bench.upkeep.hasUnreachable()).to.equal(false);
      await bench.upkeep.noteUnreachable();
      await bench.upkeep.noteUnreachable();
      expect(await bench.upkeep.hasUnreachable()).to.equal(true);
      await store.updateRefs(
        [
          { ref: 'refs/heads/b', old: gone, next: null },
          { ref: 'refs/heads/c', old: young, next: null },
        ],
        'test',
      );
      await bench.age(gone);
      await bench.upkeep.dropUnreachable();
      expect(await bench.upkeep.hasUnreachable()).to.equal(false);
      const fresh = await bench.openStore();
      const read = await fresh.read([kept, gone, young]);
      await fresh.close();
      expect(read.map((object) => object?.oid ?? null)).to.deep.equal([kept, null, young]);
    });

    it('drops one object that has a file of its own, and no other', async () => {
      const kept = await point(store, 'refs/heads/a', 'kept');
      const gone = await point(store, 'refs/heads/b', 'gone');
      await store.updateRefs([{ ref: 'refs/heads/b', old: gone, next: null }], 'test');
      await bench.upkeep.dropLoose?.(gone);
      await bench.upkeep.dropLoose?.(gone);
      const fresh = await bench.openStore();
      const read = await fresh.headers([kept, gone]);
      await fresh.close();
      expect(read.map((header) => header?.oid ?? null)).to.deep.equal([kept, bench.upkeep.dropLoose ? null : gone]);
    });

    it('counts bytes', async () => {
      const incompressible = Array.from({ length: 40_000 }, (_, i) => ((i * 2_654_435_761) >>> 7).toString(36)).join('');
      const before = await bench.upkeep.objectBytes();
      const large = await point(store, 'refs/heads/a', incompressible);
      const small = await point(store, 'refs/heads/b', 'x');
      expect((await bench.upkeep.objectBytes()) - before).to.be.greaterThan(10_000);
      const [all, little] = [await bench.upkeep.reachableBytes([large, small]), await bench.upkeep.reachableBytes([small])];
      expect(all).to.be.greaterThan(10_000);
      expect(little).to.be.within(1, 1000);
      expect(await bench.upkeep.reachableBytes([])).to.equal(0);
      await rejects(bench.upkeep.reachableBytes(['f'.repeat(40)]), 'GIT_ERROR');
      await rejects(bench.upkeep.reachableBytes(['--all']), 'INPUT_INVALID');
    });
  });
}
