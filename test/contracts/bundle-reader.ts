import { expect } from 'chai';
import type { BundleReader, ExpectedBundle, Oid } from '../../ports/index.js';
import { thrownBy } from './mirror-target.js';

/** A bundle in a file. */
export interface BenchBundle extends ExpectedBundle {
  readonly file: string;
  /** A commit that it brings. */
  readonly brings: Oid;
}

/** A clone without objects, and bundles: a whole history, what goes on from it, and one of another object format. */
export interface BundleReaderBench {
  readonly reader: BundleReader;
  readonly whole: BenchBundle;
  readonly more: BenchBundle;
  readonly foreign: BenchBundle;
  /** Whether the clone has an object, with all that it reaches. */
  has(oid: Oid): Promise<boolean>;
  /** Copies a bundle, changed; gives the copy with what it is now. */
  altered(bundle: BenchBundle, change: (bytes: Uint8Array) => Uint8Array): Promise<BenchBundle>;
  dispose(): Promise<void>;
}

/** What everything that reads bundles does. */
export function bundleReaderContract(name: string, factory: () => Promise<BundleReaderBench>): void {
  describe(`bundle-reader contract: ${name}`, function () {
    this.timeout(20_000);
    let bench: BundleReaderBench;
    beforeEach(async () => {
      bench = await factory();
    });
    afterEach(() => bench.dispose());

    it('takes a bundle, what goes on from it, and either once more', async () => {
      const { reader, whole, more } = bench;
      await reader.take(whole.file, whole);
      expect(await bench.has(whole.brings)).to.equal(true);
      await reader.take(more.file, more);
      await reader.take(whole.file, whole);
      expect(await bench.has(more.brings)).to.equal(true);
    });

    it('takes nothing of what builds on what is not here', async () => {
      const { reader, more } = bench;
      expect((await thrownBy(reader.take(more.file, more))).code).to.equal('NOT_FOUND');
      expect(await bench.has(more.brings)).to.equal(false);
    });

    it('takes nothing of a file that is not as expected, cut off or changed', async () => {
      const { reader, whole } = bench;
      const cut = await bench.altered(whole, (bytes) => bytes.subarray(0, bytes.length - 10));
      const changed = await bench.altered(whole, (bytes) => bytes.map((byte, i) => (i === bytes.length - 30 ? byte ^ 1 : byte)));
      for (const { file } of [cut, changed]) expect((await thrownBy(reader.take(file, whole))).code).to.equal('INPUT_INVALID');
      // As it says of itself, and no bundle all the same.
      for (const bad of [cut, changed]) expect((await thrownBy(reader.take(bad.file, bad))).code).to.equal('GIT_ERROR');
      for (const text of ['', 'hello\n\nworld', '# v2 git bundle\n']) {
        const none = await bench.altered(whole, () => new TextEncoder().encode(text));
        expect((await thrownBy(reader.take(none.file, none))).code, text).to.equal('INPUT_INVALID');
      }
      expect(await bench.has(whole.brings)).to.equal(false);
      await reader.take(whole.file, whole);
    });

    it('refuses another object format, and a file that is not there', async () => {
      const { reader, foreign, whole } = bench;
      expect((await thrownBy(reader.take(foreign.file, foreign))).code).to.equal('INPUT_INVALID');
      expect((await thrownBy(reader.take(`${whole.file}.none`, whole))).code).to.equal('NOT_FOUND');
    });

    it('stops when the signal fires, and has taken nothing', async () => {
      const { reader, whole } = bench;
      expect((await thrownBy(reader.take(whole.file, whole, AbortSignal.abort()))).code).to.equal('INTERRUPTED');
      expect(await bench.has(whole.brings)).to.equal(false);
    });
  });
}
