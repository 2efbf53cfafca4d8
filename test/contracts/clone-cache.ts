import { expect } from 'chai';
import type { CloneCache } from '../../ports/clone/clone-cache.js';
import { KvError } from '../../ports/error.js';

/** A clone in which nothing is kept yet. */
export interface CloneCacheBench {
  /** Its cache, as another process opens it. */
  open(): Promise<CloneCache>;
  dispose(): Promise<void>;
}

/** Every promise of the `clone-cache` port. */
export function cloneCacheContract(name: string, factory: () => Promise<CloneCacheBench>): void {
  describe(`clone-cache contract: ${name}`, () => {
    let bench: CloneCacheBench;
    let cache: CloneCache;
    beforeEach(async () => {
      bench = await factory();
      cache = await bench.open();
    });
    afterEach(() => bench.dispose());

    it('has nothing at first', async () => {
      expect(await cache.get('policy')).to.equal(null);
    });

    it('gives what was put last, by name, to whoever opens it', async () => {
      await cache.put('policy', 'one');
      await cache.put('other', '');
      await cache.put('policy', 'two: \u00e4\n');
      const later = await bench.open();
      expect([await later.get('policy'), await later.get('other'), await later.get('third')]).to.deep.equal([
        'two: \u00e4\n',
        '',
        null,
      ]);
    });

    it('gives whole texts while many put at once', async () => {
      const texts = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(5000));
      await Promise.all(texts.map((text) => cache.put('policy', text)));
      expect(await cache.get('policy')).to.be.oneOf(texts);
    });

    for (const bad of ['', '../policy', 'a/b', 'A', '.x', 'x'.repeat(64)]) {
      it(`takes ${JSON.stringify(bad.slice(0, 12))} for no name`, async () => {
        for (const work of [() => cache.get(bad), () => cache.put(bad, 'x')]) {
          const error: unknown = await work().catch((thrown: unknown) => thrown);
          expect(KvError.is(error) && error.code).to.equal('INPUT_INVALID');
        }
      });
    }
  });
}
