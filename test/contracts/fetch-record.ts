import { expect } from 'chai';
import type { FetchRecord } from '../../ports/git/fetch-record.js';

/** A clone that nothing was fetched into yet. */
export interface FetchRecordBench {
  /** Its record, as another process opens it. */
  open(): Promise<FetchRecord>;
  dispose(): Promise<void>;
}

/** Every promise of the `fetch-record` port. */
export function fetchRecordContract(name: string, factory: () => Promise<FetchRecordBench>): void {
  describe(`fetch-record contract: ${name}`, () => {
    let bench: FetchRecordBench;
    let record: FetchRecord;
    beforeEach(async () => {
      bench = await factory();
      record = await bench.open();
    });
    afterEach(() => bench.dispose());

    it('knows of no fetch at first', async () => {
      expect(await record.lastFetch('origin', 'read', 'main')).to.equal(null);
    });

    it('remembers by remote, direction and key', async () => {
      await record.markFetched('origin', 'read', 'main', 1234);
      await record.markFetched('origin', 'write', 'main', 5678);
      expect(await record.lastFetch('origin', 'read', 'main')).to.equal(1234);
      expect(await record.lastFetch('origin', 'write', 'main')).to.equal(5678);
      expect(await record.lastFetch('origin', 'read', 'other')).to.equal(null);
      expect(await record.lastFetch('upstream', 'read', 'main')).to.equal(null);
    });

    it('keeps what was recorded last, even when the clock was put back', async () => {
      for (const at of [10, 1_700_000_000_000, 20]) {
        await record.markFetched('origin', 'read', 'main', at);
        expect(await record.lastFetch('origin', 'read', 'main')).to.equal(at);
      }
    });

    it('is seen by those that open it later, and by those that have it open', async () => {
      const other = await bench.open();
      await record.markFetched('origin', 'read', 'main', 1234);
      expect(await other.lastFetch('origin', 'read', 'main')).to.equal(1234);
      expect(await (await bench.open()).lastFetch('origin', 'read', 'main')).to.equal(1234);
    });

    it('stays readable when many record at once', async () => {
      const keys = Array.from({ length: 20 }, (_, i) => `ns${i}`);
      await Promise.all(keys.map((key, i) => record.markFetched('origin', 'read', key, i)));
      const found = await Promise.all(keys.map((key) => record.lastFetch('origin', 'read', key)));
      for (const [i, at] of found.entries()) expect(at).to.be.oneOf([i, null]);
      expect(found.some((at) => at !== null)).to.equal(true);
    });
  });
}
