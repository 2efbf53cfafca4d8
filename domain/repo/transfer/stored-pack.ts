import type { HashStream } from '../../../ports/hasher.js';
import type { GitObject, ObjectFormat, ObjectType } from '../../../ports/vocabulary.js';
import { concat, writeAscii, writeHex } from '../../git/bytes.js';

const TYPE_CODE: Readonly<Record<ObjectType, number>> = { commit: 1, tree: 2, blob: 3, tag: 4 };

/** The most bytes of a stored block (RFC 1951). */
const BLOCK = 65_535;
const ADLER = 65_521;
/** Adler's sums stay below 2^31 for so many bytes. */
const A_STEP = 3800;

/** A pack (gitformat-pack, version 2) of whole objects, none of them compressed: it takes no library, and room where it is kept. */
export async function* storedPack(
  format: ObjectFormat,
  count: number,
  objects: AsyncIterable<GitObject>,
  hash: HashStream,
): AsyncGenerator<Uint8Array> {
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  writeAscii('PACK', header, 0);
  view.setUint32(4, 2);
  view.setUint32(8, count);
  hash.update(header);
  yield header;
  for await (const { type, body } of objects) {
    const entry = concat([entryHeader(type, body.length), ...storedStream(body)]);
    hash.update(entry);
    yield entry;
  }
  const checksum = new Uint8Array(format === 'sha1' ? 20 : 32);
  writeHex(hash.hex(), checksum, 0);
  yield checksum;
}

/** Type and size: 4 bits of it, then 7 a byte, least significant first. */
function entryHeader(type: ObjectType, size: number): Uint8Array {
  const bytes: number[] = [];
  let byte = (TYPE_CODE[type] << 4) | (size & 15);
  for (let left = Math.floor(size / 16); left > 0; left = Math.floor(left / 128)) {
    bytes.push(byte | 0x80);
    byte = left & 0x7f;
  }
  return Uint8Array.from([...bytes, byte]);
}

/** A zlib stream of stored blocks (RFC 1950, 1951), in pieces. */
function storedStream(body: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  let from = 0;
  do {
    const length = Math.min(BLOCK, body.length - from);
    const isLast = from + length === body.length ? 1 : 0;
    const complement = length ^ 0xffff;
    pieces.push(Uint8Array.of(isLast, length & 255, length >> 8, complement & 255, complement >> 8));
    pieces.push(body.subarray(from, from + length));
    from += length;
  } while (from < body.length);
  const checksum = new Uint8Array(4);
  new DataView(checksum.buffer).setUint32(0, adler32(body));
  pieces.push(checksum);
  return pieces;
}

function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (let i = 0; i < bytes.length; ) {
    const stop = Math.min(i + A_STEP, bytes.length);
    for (; i < stop; i++) {
      a += bytes[i] as number;
      b += a;
    }
    a %= ADLER;
    b %= ADLER;
  }
  return b * 65_536 + a;
}
