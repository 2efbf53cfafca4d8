import type { PolicyKey } from '../../ports/index.js';

const PUBLIC_KEY_PACKET = 6;
const USER_ID_PACKET = 13;

/** Reads an armoured OpenPGP public key block (RFC 4880, section 6.2); gives what is wrong with it as a string. */
export function parseOpenPgpKey(text: string): PolicyKey | string {
  const block = text.replaceAll('\r\n', '\n').trim();
  const armour = /^-----BEGIN PGP PUBLIC KEY BLOCK-----\n([\s\S]*)\n-----END PGP PUBLIC KEY BLOCK-----$/.exec(block)?.[1];
  const match = /^(?:[A-Za-z]+: .*\n)*\n?([A-Za-z0-9+/=\n]+?)(?:\n=([A-Za-z0-9+/]{4}))?$/.exec(armour ?? '');
  if (match?.[1] === undefined) return 'is no complete OpenPGP public key block';
  const bytes = Buffer.from(match[1], 'base64');
  if (match[2] !== undefined && Buffer.from(match[2], 'base64').readUIntBE(0, 3) !== crc24(bytes)) {
    return 'its OpenPGP block is damaged (the checksum differs)';
  }
  const packets = readPackets(bytes);
  if (packets?.[0]?.tag !== PUBLIC_KEY_PACKET) return 'its OpenPGP block holds no public key';
  const user = packets.find((packet) => packet.tag === USER_ID_PACKET)?.body.toString('utf8');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a name must not write to a terminal
  const name = (user ?? '').replace(/[\x00-\x1f\x7f]/g, '').trim();
  return name === '' ? 'its OpenPGP key has no user id' : { kind: 'openpgp', material: `${block}\n`, name };
}

interface Packet {
  readonly tag: number;
  readonly body: Buffer;
}

/** RFC 4880, section 4.2; null when the bytes are no sequence of whole packets. */
function readPackets(bytes: Buffer): Packet[] | null {
  const packets: Packet[] = [];
  let at = 0;
  while (at < bytes.length) {
    const head = bytes[at++] ?? 0;
    if ((head & 0x80) === 0) return null;
    const modern = (head & 0x40) !== 0;
    const tag = modern ? head & 0x3f : (head >> 2) & 0x0f;
    const first = bytes[at] ?? 0;
    let octets: number;
    let length: number;
    if (!modern) {
      if ((head & 3) === 3) return null; // no length at all: not used for keys
      octets = 1 << (head & 3);
      length = at + octets <= bytes.length ? bytes.readUIntBE(at, octets) : -1;
    } else if (first < 192) {
      [octets, length] = [1, first];
    } else if (first < 224) {
      [octets, length] = [2, ((first - 192) << 8) + (bytes[at + 1] ?? 0) + 192];
    } else if (first === 255 && at + 5 <= bytes.length) {
      [octets, length] = [5, bytes.readUInt32BE(at + 1)];
    } else return null; // partial lengths: not used for keys
    at += octets;
    if (length < 0 || at + length > bytes.length) return null;
    packets.push({ tag, body: bytes.subarray(at, at + length) });
    at += length;
  }
  return packets;
}

/** RFC 4880, section 6.1. */
function crc24(bytes: Buffer): number {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1;
      if ((crc & 0x1000000) !== 0) crc ^= 0x1864cfb;
    }
  }
  return crc & 0xffffff;
}
