import { expect } from 'chai';
import { UlidSet } from '../../../../../domain/gateway/accept/ulid-set.js';
import { isUlid, newUlid, ulidTime } from '../../../../../domain/ledger/ulid.js';

const ulid = (number: number): string => {
  const bytes = new Uint8Array(10);
  new DataView(bytes.buffer).setUint32(6, number);
  return newUlid({ now: () => 1_750_000_000_000 + number, sleep: async () => undefined }, { bytes: () => bytes });
};

describe('a set of ULIDs', () => {
  it('has what was put in, and nothing that is one character off', () => {
    const set = new UlidSet(7);
    const last = '7ZZZZZZZZZZZZZZZZZZZZZZZZZ';
    for (const id of [ulid(1), last, '0'.repeat(26)]) {
      expect(set.has(id)).to.equal(false);
      expect(set.add(id)).to.equal(true);
      expect(set.add(id)).to.equal(false);
      expect(set.has(id)).to.equal(true);
      for (let at = 0; at < 26; at++) {
        const other = `${id.slice(0, at)}${id[at] === '1' ? '2' : '1'}${id.slice(at + 1)}`;
        expect(set.has(other), other).to.equal(false);
      }
    }
    expect(set.size).to.equal(3);
  });

  it('takes over what another has', () => {
    const [one, two] = [new UlidSet(1), new UlidSet(2)];
    for (let i = 0; i < 200; i++) (i % 2 === 0 ? one : two).add(ulid(i));
    two.add('0'.repeat(26));
    one.add(ulid(1));
    one.addAll(two);
    expect(one.size).to.equal(201);
    for (let i = 0; i < 200; i++) expect(one.has(ulid(i))).to.equal(true);
    expect(one.has('0'.repeat(26))).to.equal(true);
  });

  it('takes over no id that is all zeros from one that has none', () => {
    const [one, two] = [new UlidSet(1), new UlidSet(2)];
    two.add(ulid(1));
    one.addAll(two);
    expect([one.size, one.has('0'.repeat(26)), one.has(ulid(1))]).to.deep.equal([1, false, true]);
    one.addAll(one);
    expect(one.size).to.equal(1);
  });

  it('grows by half once it is four fifths full, and keeps what it has', () => {
    const set = new UlidSet(7);
    const sizes: number[] = [];
    for (let i = 1; i <= 130; i++) {
      set.add(ulid(i));
      if (set.bytes !== sizes.at(-1)) sizes.push(set.bytes);
      if (i === 51) expect(set.bytes).to.equal(64 * 16);
      if (i === 52) expect(set.bytes).to.equal(96 * 16);
    }
    expect(sizes).to.deep.equal([64 * 16, 96 * 16, 144 * 16, 216 * 16]);
    for (let i = 1; i <= 130; i++) expect(set.has(ulid(i)), `${i}`).to.equal(true);
    expect([set.size, set.has('0'.repeat(26))]).to.deep.equal([130, false]);
  });

  it('takes no more than 30 bytes an id, however many there are', () => {
    const set = new UlidSet(0x12345678);
    let most = 0;
    for (let i = 1; i <= 100_000; i++) {
      set.add(ulid(i));
      if (i >= 1000) most = Math.max(most, set.bytes / set.size);
    }
    expect(most).to.be.below(30.1);
    expect(set.size).to.equal(100_000);
    for (let i = 1; i <= 100_000; i += 97) expect(set.has(ulid(i))).to.equal(true);
    expect(set.has(ulid(100_001))).to.equal(false);
  });
});

describe('a ULID’s time', () => {
  it('is read as it was written', () => {
    for (const time of [0, 1_750_000_000_000, 2 ** 48 - 1]) {
      const id = newUlid({ now: () => time, sleep: async () => undefined }, { bytes: (count) => new Uint8Array(count) });
      expect(isUlid(id)).to.equal(true);
      expect(ulidTime(id)).to.equal(time);
    }
  });
});
