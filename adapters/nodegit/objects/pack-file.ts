import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { ObjectType, Oid } from '../../../ports/vocabulary.js';
import { zlibStream } from './deflate.js';

/** An object as it stands in a pack. */
export interface PackEntry {
  readonly oid: Oid;
  readonly bytes: Buffer;
}

/** A pack in pieces of about a megabyte, and its index; `name` as Git names their files, without an ending. */
export interface PackFile {
  readonly name: string;
  readonly pack: readonly Uint8Array[];
  readonly index: Buffer;
}

const TYPE_CODE: Readonly<Record<ObjectType, number>> = { commit: 1, tree: 2, blob: 3, tag: 4 };
const HEADER = 12;
const ID = 20;
const LARGE_OFFSET = 0x80000000;
const PIECE = 1024 ** 2;

/** An object, compressed and with its type and size in front: 4 bits of the size, then 7 a byte, the least significant first. */
export function packEntry({ oid, type, body }: NewObject): PackEntry {
  const head: number[] = [];
  let byte = (TYPE_CODE[type] << 4) | (body.length & 15);
  for (let left = Math.floor(body.length / 16); left > 0; left = Math.floor(left / 128)) {
    head.push(byte | 0x80);
    byte = left & 0x7f;
  }
  head.push(byte);
  return { oid, bytes: zlibStream(body, Uint8Array.from(head)) };
}

/** A pack of version 2 without deltas, and its index of version 2 (gitformat-pack). No object may come twice. */
export function packFile(entries: readonly PackEntry[]): PackFile {
  const header = Buffer.alloc(HEADER);
  header.write('PACK', 'latin1');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(entries.length, 8);
  const places: ObjectPlace[] = [];
  let offset = HEADER;
  for (const { oid, bytes } of entries) {
    places.push({ oid, offset, crc: crc32(bytes) });
    offset += bytes.length;
  }
  const pack = joined([header, ...entries.map(({ bytes }) => bytes)]);
  const hash = createHash('sha1');
  for (const piece of pack) hash.update(piece);
  const checksum = hash.digest();
  return { name: `pack-${checksum.toString('hex')}`, pack: [...pack, checksum], index: packIndex(places, checksum) };
}

/** The same bytes in larger pieces: to hash or to write each of 100,000 takes longer than its bytes. */
function joined(parts: readonly Uint8Array[]): Uint8Array[] {
  const [out, some]: [Uint8Array[], Uint8Array[]] = [[], []];
  let size = 0;
  for (const part of parts) {
    some.push(part);
    size += part.length;
    if (size < PIECE) continue;
    out.push(Buffer.concat(some.splice(0)));
    size = 0;
  }
  return [...out, Buffer.concat(some)];
}

/** Where an object is in a pack. */
export interface ObjectPlace {
  readonly oid: Oid;
  readonly offset: number;
  readonly crc: number;
}

/** Fan-out, sorted ids, checksums, offsets of 31 bits, those of 64 bits, and the checksums of the pack and of the index. */
export function packIndex(places: readonly ObjectPlace[], packChecksum: Buffer): Buffer {
  const byId = new Map(places.map((place) => [place.oid, place]));
  // Strings alone are sorted faster than by a comparison of our own.
  const sorted = [...byId.keys()].sort().map((oid) => byId.get(oid) as ObjectPlace);
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
