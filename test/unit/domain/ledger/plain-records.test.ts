import { expect } from 'chai';
import { utf8 } from '../../../../domain/git/bytes.js';
import { decodeMetadata, encodeMetadata, type Metadata } from '../../../../domain/ledger/value/metadata.js';
import { decodePointer, encodePointer, type Pointer } from '../../../../domain/ledger/value/pointer.js';
import { KvError } from '../../../../ports/error.js';

const META: Metadata = {
  ctype: 'text/plain; charset=utf-8',
  ttl: null,
  etag: `blake3:${'0a'.repeat(32)}`,
  createdBy: 'Ada <ada@example.org>',
  createdAt: '2026-11-27T06:00:00.000Z',
  txn: '01KDYF0000ABCDEFGHJKMNPQRS',
};
const POINTER: Pointer = {
  ...{ key: 'user:1', type: 'inline', ledgerBlob: 'ab'.repeat(20), manifestBlob: null },
  ...{ size: 12, ctype: 'text/plain', ttl: null },
};
/** Texts with escapes in JSON, and without. */
const TEXTS = ['plain', '', 'ü€', '"', '\\', 'a\nb', '\u007f', '\u0085', '\u2028', '🔑', '<&>', '{}', '","txn":"'];
const TTL = '2027-01-01T00:00:00.000Z';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const where = (): never => {
  throw new Error('asked for where nothing is wrong');
};

/** The fields of a pointer as JSON itself spells them. */
const spelt = ({ key, type, ledgerBlob, manifestBlob, size, ctype, ttl }: Pointer): string =>
  JSON.stringify({
    ...{ v: 1, key, type, ledger_blob: ledgerBlob, manifest_blob: manifestBlob, size, ctype },
    ...(ttl === null ? {} : { ttl }),
  });

describe('records that are as nearly all are', () => {
  it('are written as JSON writes them, and read back, with escapes and without', () => {
    for (const each of TEXTS) {
      for (const change of [{ key: each }, { ctype: each }, { ttl: TTL, key: each }, { type: 'chunked', key: each } as const]) {
        const pointer: Pointer = { ...POINTER, ...change };
        const bytes = encodePointer(pointer);
        expect(text(bytes)).to.equal(spelt(pointer));
        expect(decodePointer(bytes, where)).to.deep.equal(pointer);
      }
      if (/\p{Cc}/u.test(each)) continue;
      for (const ttl of [null, TTL]) {
        const meta = { ...META, createdBy: each, ttl };
        expect(decodeMetadata(encodeMetadata(meta), where)).to.deep.equal(meta);
      }
    }
  });

  it('have one form: whatever a character is changed to, what is read is what was written', () => {
    const [meta, pointer] = [encodeMetadata({ ...META, ttl: TTL }), encodePointer({ ...POINTER, ttl: TTL })];
    const [short, shorter] = [encodeMetadata(META), encodePointer(POINTER)];
    const cases = [meta, short].map((bytes) => ({
      bytes,
      again: (some: Uint8Array) => encodeMetadata(decodeMetadata(some, 'k')),
    }));
    const pointers = [pointer, shorter].map((bytes) => ({
      bytes,
      again: (some: Uint8Array) => encodePointer(decodePointer(some, 'k')),
    }));
    let read = 0;
    for (const { bytes, again } of [...cases, ...pointers]) {
      const whole = text(bytes);
      for (let at = 0; at <= whole.length; at++) {
        for (const put of ['', '0', 'A', '"', '\\']) {
          for (const cut of [0, 1]) {
            const odd = whole.slice(0, at) + put + whole.slice(at + cut);
            try {
              expect(text(again(utf8(odd)))).to.equal(odd);
              read++;
            } catch (error) {
              if (!KvError.is(error)) throw error;
            }
          }
        }
      }
    }
    expect(read).to.be.greaterThan(500);
  });

  it('are refused for what no field may have, though their look is right', () => {
    const bad: Partial<Metadata>[] = [
      ...[{ createdAt: '2026-02-30T00:00:00.000Z' }, { ttl: '2026-13-01T00:00:00.000Z' }, { txn: `8${META.txn.slice(1)}` }],
      ...[{ createdBy: 'x'.repeat(321) }, { ctype: 'plain' }, { etag: `blake3:${'0A'.repeat(32)}` }, { createdAt: '2026' }],
    ];
    for (const change of bad)
      expect(() => decodeMetadata(encodeMetadata({ ...META, ...change }), 'k'), JSON.stringify(change)).to.throw(
        KvError,
        'wrong type',
      );
  });
});
