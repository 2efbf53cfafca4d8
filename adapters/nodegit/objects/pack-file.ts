import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { NewObject } from '../../../ports/git-store.js';
import type { ObjectType, Oid } from '../../../ports/vocabulary.js';
import { zlibStream } from './deflate.js';

/** An object as it stands in a pack. */
export interface PackEntry {
  readonly oid: Oid;
  readonly parts: readonly [head: Uint8Array, body: Uint8Array];
  readonly length: number;
}

/** A pack and its index, whole in memory; `name` as Git names their files, without an ending. */
export interface PackFile {
  readonly name: string;
  readonly pack: readonly Uint8Array[];
  readonly index: Buffer;
}

const TYPE_CODE: Readonly<Record<ObjectType, number>> = { commit: 1, tree: 2, blob: 3, tag: 4 };
const HEADER = 12;
const ID = 20;
const LARGE_OFFSET = 0x80000000;

/** An object, compressed and with its type and size in front: 4 bits of the size, then 7 a byte, the least significant first. */
export function packEntry({ oid, type, body }: NewObject): PackEntry {
  const head: number[] = [];
  let byte = (TYPE_CODE[type] << 4) | (body.length & 15);
  for (let left = Math.floor(body.length / 16); left > 0; left = Math.floor(left / 128)) {
    head.push(byte | 0x80);
    byte = left & 0x7f;
  }
  const parts = [Uint8Array.of(...head, byte), zlibStream(body)] as const;
  return { oid, parts, length: parts[0].length + parts[1].length };
}

/** A pack of version 2 without deltas, and its index of version 2 (gitformat-pack). No object may come twice. */
export function packFile(entries: readonly PackEntry[]): PackFile {
  const header = Buffer.alloc(HEADER);
  header.write('PACK', 'latin1');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(entries.length, 8);
  const parts: Uint8Array[] = [header];
  const hash = createHash('sha1').update(header);
  const places: Place[] = [];
  let offset = HEADER;
  for (const { oid, parts: both, length } of entries) {
    for (const part of both) hash.update(part);
    parts.push(...both);
    places.push({ oid, offset, crc: crc32(both[1], crc32(both[0])) });
    offset += length;
  }
  const checksum = hash.digest();
  return { name: `pack-${checksum.toString('hex')}`, pack: [...parts, checksum], index: packIndex(places, checksum) };
}

/** Where an object is in a pack. */
export interface Place {
  readonly oid: Oid;
  readonly offset: number;
  readonly crc: number;
}

/** Fan-out, sorted ids, checksums, offsets of 31 bits, those of 64 bits, and the checksums of the pack and of the index. */
export function packIndex(places: readonly Place[], packChecksum: Buffer): Buffer {
  const sorted = [...places].sort((a, b) => (a.oid < b.oid ? -1 : 1));
  const large = sorted.filter(({ offset }) => offset >= LARGE_OFFSET).length;
  const idsAt = 8 + 256 * 4;
  const crcsAt = idsAt + sorted.length * ID;
  const offsetsAt = crcsAt + sorted.length * 4;
  const largeAt = offsetsAt + sorted.length * 4;
  const endAt = largeAt + large * 8;
  const out = Buffer.alloc(endAt + 2 * ID);
  out.writeUInt32BE(0xff744f63, 0);
  out.writeUInt32BE(2, 4);
  let seen = 0;
  for (const [i, { oid, offset, crc }] of sorted.entries()) {
    out.write(oid, idsAt + i * ID, 'hex');
    out.writeUInt32BE(crc, crcsAt + i * 4);
    out.writeUInt32BE(offset < LARGE_OFFSET ? offset : LARGE_OFFSET + seen, offsetsAt + i * 4);
    if (offset >= LARGE_OFFSET) out.writeBigUInt64BE(BigInt(offset), largeAt + seen++ * 8);
  }
  for (let byte = 0, count = 0; byte < 256; byte++) {
    while (count < sorted.length && (out[idsAt + count * ID] as number) <= byte) count++;
    out.writeUInt32BE(count, 8 + byte * 4);
  }
  packChecksum.copy(out, endAt);
  createHash('sha1')
    .update(out.subarray(0, endAt + ID))
    .digest()
    .copy(out, endAt + ID);
  return out;
}
