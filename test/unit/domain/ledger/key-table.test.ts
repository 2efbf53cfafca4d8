import { expect } from 'chai';
import { nodeHasher } from '../../../../adapters/hasher-node/open.js';
import { KeyTable } from '../../../../domain/ledger/value/key-table.js';

describe('a table of keys', () => {
  for (const digits of [40, 64]) {
    it(`gives what was put in, through many growths and replacements (${digits / 2} bytes an id)`, () => {
      const hasher = nodeHasher();
      const table = new KeyTable(hasher, digits / 2);
      const oid = (i: number): string => hasher.hex('sha256', Uint8Array.of(i & 255, i >> 8)).slice(0, digits);
      const count = 20_000;
      const records = Array.from({ length: count }, (_, i) => table.put(`key:${i}`, oid(i), i % 251));
      expect(records.findIndex((record, i) => record !== i)).to.equal(-1);
      for (let i = 0; i < count; i += 3) table.put(`key:${i}`, i % 2 === 0 ? null : oid(i + 1), 7);
      expect(table.size).to.equal(count);
      const wrong = records.filter((record, i) => {
        const replaced = i % 3 === 0;
        const wanted = !replaced ? oid(i) : i % 2 === 0 ? '0'.repeat(digits) : oid(i + 1);
        return (
          table.find(`key:${i}`) !== record || table.oid(record) !== wanted || table.mark(record) !== (replaced ? 7 : i % 251)
        );
      });
      expect(wrong).to.deep.equal([]);
      expect(table.find('key:')).to.equal(-1);
      expect([table.hasOid(1, oid(1)), table.hasOid(1, oid(2)), table.hasOid(0, oid(0))]).to.deep.equal([true, false, false]);
      const digest = hasher.hex('sha256', new TextEncoder().encode('key:1'));
      expect(table.findDigest(digest)).to.equal(1);
      expect(table.putDigest(digest, oid(1), 1)).to.equal(1);
      table.setMark(5, 255);
      expect(table.mark(5)).to.equal(255);
      expect(table.mark(4)).to.equal(4);
    });
  }
});
