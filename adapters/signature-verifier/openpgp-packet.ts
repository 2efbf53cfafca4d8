import { invalid } from './ssh-wire.js';

/**
 * The digests that an OpenPGP signature may be made with, by their numbers (RFC 9580, section 9.5). MD5, SHA-1 and RIPEMD-160 are not
 * among them: whoever can make two commits with one digest gets both signed by signing one.
 */
const DIGESTS: Readonly<Record<number, string>> = {
  8: 'SHA256',
  9: 'SHA384',
  10: 'SHA512',
  11: 'SHA224',
  12: 'SHA3-256',
  14: 'SHA3-512',
};
const WEAK: Readonly<Record<number, string>> = { 1: 'MD5', 2: 'SHA-1', 3: 'RIPEMD-160' };

const SIGNATURE = 2;
const ARMOUR =
  /^-----BEGIN PGP (SIGNATURE|MESSAGE)-----\n((?:[^\n]*: [^\n]*\n)*)\n([A-Za-z0-9+/=\n]+?)\n(?:=[A-Za-z0-9+/]{4}\n)?-----END PGP \1-----\s*$/;

/** Throws `SIGNATURE_INVALID` for a digest that nobody should trust any more, by its number in RFC 9580. */
export function requireStrongDigest(number: number): void {
  if (Object.hasOwn(DIGESTS, number)) return;
  throw invalid(`it was made with ${WEAK[number] ?? `digest ${number}`}, which is too weak: choose SHA256 or longer`);
}

/**
 * Throws `SIGNATURE_INVALID` unless an armoured signature is OpenPGP signature packets and nothing else, each made with a digest that
 * is strong enough. Read from the packets themselves: what gpg takes is up to its version and its machine.
 */
export function requireStrongSignature(armoured: string): void {
  const [, , , body] = ARMOUR.exec(armoured.replace(/\r\n/g, '\n').replace(/[ \t]+$/gm, '')) ?? [];
  if (body === undefined) throw invalid('its armour is broken');
  const bytes = Buffer.from(body, 'base64');
  let at = 0;
  while (at < bytes.length) {
    const packet = packetAt(bytes, at);
    if (packet.tag !== SIGNATURE) throw invalid('it holds something else than a signature');
    requireStrongDigest(digestOf(bytes.subarray(packet.start, packet.end)));
    at = packet.end;
  }
  if (at === 0) throw invalid('it is empty');
}

/** A packet's place (RFC 9580, section 4.2). Lengths that are not known in advance are refused: no signature has such a one. */
function packetAt(bytes: Buffer, at: number): { readonly tag: number; readonly start: number; readonly end: number } {
  const header = byte(bytes, at);
  if ((header & 0x80) === 0) throw invalid('it holds no OpenPGP packet');
  const fresh = (header & 0x40) !== 0;
  const tag = fresh ? header & 0x3f : (header >> 2) & 0x0f;
  const [start, length] = fresh ? newLength(bytes, at + 1) : oldLength(bytes, at + 1, header & 3);
  if (start + length > bytes.length) throw invalid('it is cut short');
  return { tag, start, end: start + length };
}

function newLength(bytes: Buffer, at: number): [start: number, length: number] {
  const first = byte(bytes, at);
  if (first < 192) return [at + 1, first];
  if (first < 224) return [at + 2, ((first - 192) << 8) + byte(bytes, at + 1) + 192];
  if (first === 255) return [at + 5, number(bytes, at + 1, 4)];
  throw invalid('it holds a packet of unknown length');
}

function oldLength(bytes: Buffer, at: number, kind: number): [start: number, length: number] {
  if (kind === 3) throw invalid('it holds a packet of unknown length');
  const size = 1 << kind;
  return [at + size, number(bytes, at, size)];
}

/** The number of the digest in a signature packet (RFC 9580, section 5.2; version 3 is from RFC 4880). */
function digestOf(packet: Buffer): number {
  const version = byte(packet, 0);
  if (version === 3) return byte(packet, 16);
  if (version >= 4 && version <= 6) return byte(packet, 3);
  throw invalid(`its version is ${version}`);
}

function byte(bytes: Buffer, at: number): number {
  return number(bytes, at, 1);
}

function number(bytes: Buffer, at: number, size: number): number {
  if (at + size > bytes.length) throw invalid('it is cut short');
  return bytes.readUIntBE(at, size);
}
