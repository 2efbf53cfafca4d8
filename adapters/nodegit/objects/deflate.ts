import { constants, deflateSync } from 'node:zlib';

/** zlib takes 15-40 microseconds to set up, more than copying a small body. Bytes. */
const SMALL = 256;
const BLOCK = 65535;

/** A zlib stream (RFC 1950) of a body: fast compression where that makes it smaller, stored blocks where it doesn't. */
export function zlibStream(body: Uint8Array): Uint8Array {
  if (body.length < SMALL) return stored(body);
  const deflated = deflateSync(body, { level: constants.Z_BEST_SPEED });
  return deflated.length < body.length ? deflated : deflateSync(body, { level: constants.Z_NO_COMPRESSION });
}

/** One stored block (RFC 1951), its checksum behind it. */
function stored(body: Uint8Array): Uint8Array {
  if (body.length > BLOCK) throw new RangeError('a stored block has 65,535 bytes at the most');
  const out = Buffer.allocUnsafe(body.length + 11);
  out.writeUInt16BE(0x7801, 0);
  out[2] = 1;
  out.writeUInt16LE(body.length, 3);
  out.writeUInt16LE(body.length ^ 0xffff, 5);
  out.set(body, 7);
  out.writeUInt32BE(adler32(body), body.length + 7);
  return out;
}

/** Of no more than 3,800 bytes, so that the sums stay below 2^31. */
function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a += byte;
    b += a;
  }
  return (b % 65521) * 65536 + (a % 65521);
}
