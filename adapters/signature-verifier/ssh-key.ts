import { createHash, createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KvError } from '../../ports/error.js';
import { invalid, SshReader } from './ssh-wire.js';

/** Reads the rest of a public key blob behind its type, and checks a signature blob over the bytes that were signed. */
type Verify = (key: SshReader, signature: SshReader, signed: Buffer, algorithm: string) => boolean;

const USER_PRESENT = 1;
const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 16384;

const VERIFIERS: Readonly<Record<string, Verify>> = {
  'ssh-ed25519': ed25519,
  'ssh-rsa': rsa,
  'ecdsa-sha2-nistp256': ecdsa('nistp256', 'P-256', 32, 'sha256'),
  'ecdsa-sha2-nistp384': ecdsa('nistp384', 'P-384', 48, 'sha384'),
  'ecdsa-sha2-nistp521': ecdsa('nistp521', 'P-521', 66, 'sha512'),
  'sk-ssh-ed25519@openssh.com': securityKeyEd25519,
  'sk-ecdsa-sha2-nistp256@openssh.com': securityKeyEcdsa,
};

/** Verifies a signature blob against a public key blob; gives the key's type. Throws `SIGNATURE_INVALID`. */
export function verifyWithKey(publicKey: Buffer, signature: Buffer, signed: Buffer): string {
  const key = new SshReader(publicKey);
  const type = key.text();
  const check = Object.hasOwn(VERIFIERS, type) ? VERIFIERS[type] : undefined;
  if (check === undefined) throw invalid('its key is of a type that is not accepted');
  const reader = new SshReader(signature);
  const algorithm = reader.text();
  const expected = type === 'ssh-rsa' ? ['rsa-sha2-256', 'rsa-sha2-512'] : [type];
  if (!expected.includes(algorithm)) throw invalid(`its algorithm does not go with a key of type ${type}`);
  let good: boolean;
  try {
    good = check(key, reader, signed, algorithm);
  } catch (error) {
    if (KvError.is(error)) throw error;
    // OpenSSL refuses a key that is none, such as a point off its curve.
    throw invalid('its key cannot be used');
  }
  if (!good) throw invalid('it does not match what was signed');
  return type;
}

function ed25519(key: SshReader, signature: SshReader, signed: Buffer): boolean {
  const publicKey = ed25519Key(key.string());
  key.end();
  const bytes = signature.string();
  signature.end();
  return verify(null, signed, publicKey, fixed(bytes, 64));
}

function ecdsa(curve: string, jwkCurve: string, size: number, hash: string): Verify {
  return (key, signature, signed) => {
    const publicKey = ecKey(key, curve, jwkCurve, size);
    key.end();
    const bytes = signature.string();
    signature.end();
    return verify(hash, signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, ecdsaPair(bytes, size));
  };
}

function rsa(key: SshReader, signature: SshReader, signed: Buffer, algorithm: string): boolean {
  const e = key.mpint();
  const n = key.mpint();
  key.end();
  const bits = n.length * 8 - (Math.clz32(n[0] as number) - 24);
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) throw invalid(`its RSA key has ${bits} bits`);
  const publicKey = createPublicKey({
    key: { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') },
    format: 'jwk',
  });
  const bytes = signature.string();
  signature.end();
  return verify(algorithm === 'rsa-sha2-512' ? 'sha512' : 'sha256', signed, publicKey, fixed(bytes, n.length));
}

// PROTOCOL.u2f: a security key signs the application's hash, its flags and counter, and the hash of the message.
function securityKeyEd25519(key: SshReader, signature: SshReader, signed: Buffer): boolean {
  const publicKey = ed25519Key(key.string());
  const application = key.string();
  key.end();
  const bytes = fixed(signature.string(), 64);
  return verify(null, securityKeyMessage(application, signature, signed), publicKey, bytes);
}

function securityKeyEcdsa(key: SshReader, signature: SshReader, signed: Buffer): boolean {
  const publicKey = ecKey(key, 'nistp256', 'P-256', 32);
  const application = key.string();
  key.end();
  const bytes = ecdsaPair(signature.string(), 32);
  return verify(
    'sha256',
    securityKeyMessage(application, signature, signed),
    { key: publicKey, dsaEncoding: 'ieee-p1363' },
    bytes,
  );
}

function securityKeyMessage(application: Buffer, signature: SshReader, signed: Buffer): Buffer {
  const flagsAndCounter = signature.raw(5);
  signature.end();
  if (((flagsAndCounter[0] as number) & USER_PRESENT) === 0) throw invalid('nobody touched the security key');
  const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
  return Buffer.concat([sha256(application), flagsAndCounter, sha256(signed)]);
}

/** The newest keys, as OpenSSL has them: to read one takes a third of the time that verifying with it takes. */
const KNOWN = new Map<string, KeyObject>();
const MOST_KNOWN = 1000;

function ed25519Key(bytes: Buffer): KeyObject {
  const x = fixed(bytes, 32).toString('base64url');
  const known = KNOWN.get(x);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  if (KNOWN.size >= MOST_KNOWN) KNOWN.clear();
  KNOWN.set(x, key);
  return key;
}

function ecKey(key: SshReader, curve: string, jwkCurve: string, size: number): KeyObject {
  if (key.text() !== curve) throw invalid('its curve does not go with its key');
  const point = fixed(key.string(), 1 + 2 * size);
  if (point[0] !== 4) throw invalid('its key is not an uncompressed point');
  const x = point.subarray(1, 1 + size).toString('base64url');
  const y = point.subarray(1 + size).toString('base64url');
  return createPublicKey({ key: { kty: 'EC', crv: jwkCurve, x, y }, format: 'jwk' });
}

function ecdsaPair(bytes: Buffer, size: number): Buffer {
  const reader = new SshReader(bytes);
  const pair = Buffer.alloc(2 * size);
  for (const end of [size, 2 * size]) {
    const number = reader.mpint();
    if (number.length > size) throw invalid('a number in it is too long');
    number.copy(pair, end - number.length);
  }
  reader.end();
  return pair;
}

function fixed(bytes: Buffer, length: number): Buffer {
  if (bytes.length !== length) throw invalid(`a field has ${bytes.length} bytes, not ${length}`);
  return bytes;
}
