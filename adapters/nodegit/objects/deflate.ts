import { constants, deflateSync } from 'node:zlib';

/** zlib takes 15-40 microseconds to set up, more than copying a small body. Bytes. */
const SMALL = 256;

/** What a small body takes more when it is stored: zlib's header, a block's, and the checksum. Bytes. */
const STORED = 11;

/** A zlib stream (RFC 1950) of a body, behind some bytes that stand before it: fast compression, or none where it doesn't pay. */
export function zlibStream(body: Uint8Array, before: Uint8Array): Buffer {
  if (body.length >= SMALL) {
    const deflated = deflateSync(body, { level: constants.Z_BEST_SPEED });
    if (deflated.length < body.length) return Buffer.concat([before, deflated]);
    return Buffer.concat([before, deflateSync(body, { level: constants.Z_NO_COMPRESSION })]);
  }
  const out = Buffer.allocUnsafe(before.length + body.length + STORED);
  out.set(before);
  stored(body, out, before.length);
  return out;
}

/** One stored block (RFC 1951), its checksum behind it. */
function stored(body: Uint8Array, out: Buffer, at: number): void {
  out.writeUInt16BE(0x7801, at);
  out[at + 2] = 1;
  out.writeUInt16LE(body.length, at + 3);
  out.writeUInt16LE(body.length ^ 0xffff, at + 5);
  out.set(body, at + 7);
  out.writeUInt32BE(adler32(body), at + 7 + body.length);
}

/** Of a small body, so that the sums stay below 2^31. */
function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (let i = 0; i < bytes.length; i++) {
    a += bytes[i] as number;
    b += a;
  }
  return (b % 65521) * 65536 + (a % 65521);
}
