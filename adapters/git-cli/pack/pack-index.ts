import { createHash } from 'node:crypto';
import type { ObjectFormat, Oid } from '../../../ports/vocabulary.js';

/** Where one object is in a pack. */
interface PackEntries {
  /** Object ids and their place in the two arrays. */
  readonly positions: ReadonlyMap<Oid, number>;
  readonly crcs: readonly number[];
  readonly offsets: readonly number[];
}

const LARGE_OFFSET = 0x80000000;

/** A pack's index, version 2 (gitformat-pack): fan-out, sorted ids, CRCs, 31-bit offsets, 64-bit offsets, two checksums. */
export function packIndex(format: ObjectFormat, entries: PackEntries, packChecksum: Buffer): Buffer {
  const { positions, crcs, offsets } = entries;
  const count = positions.size;
  const width = packChecksum.length;
  const large = offsets.filter((offset) => offset >= LARGE_OFFSET).length;
  const idsAt = 8 + 1024;
  const crcAt = idsAt + count * width;
  const offsetAt = crcAt + count * 4;
  const largeAt = offsetAt + count * 4;
  const endAt = largeAt + large * 8;
  const out = Buffer.alloc(endAt + 2 * width);
  out.writeUInt32BE(0xff744f63, 0);
  out.writeUInt32BE(2, 4);
  const fanout = new Uint32Array(256);
  let i = 0;
  let largeIndex = 0;
  for (const oid of [...positions.keys()].sort()) {
    const place = positions.get(oid) as number;
    out.write(oid, idsAt + i * width, 'hex');
    (fanout[out[idsAt + i * width] as number] as number)++;
    out.writeUInt32BE(crcs[place] as number, crcAt + i * 4);
    const offset = offsets[place] as number;
    if (offset >= LARGE_OFFSET) {
      out.writeUInt32BE((LARGE_OFFSET | largeIndex) >>> 0, offsetAt + i * 4);
      out.writeBigUInt64BE(BigInt(offset), largeAt + largeIndex * 8);
      largeIndex++;
    } else {
      out.writeUInt32BE(offset, offsetAt + i * 4);
    }
    i++;
  }
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) {
    sum += fanout[byte] as number;
    out.writeUInt32BE(sum, 8 + byte * 4);
  }
  packChecksum.copy(out, endAt);
  createHash(format)
    .update(out.subarray(0, endAt + width))
    .digest()
    .copy(out, endAt + width);
  return out;
}
