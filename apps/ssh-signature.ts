import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { KvError } from '../ports/error.js';
import type { Signer } from '../ports/clone/signer.js';

const TYPE = 'ssh-ed25519';
const MAGIC = 'SSHSIG';
const VERSION = 1;
const NAMESPACE = 'git';
const HASH = 'sha512';
const LINE = 70;
const RAW_KEY_BYTES = 32;

/** A key that signs in this process, without a program; its public half as a policy lists it. */
export interface OwnKey extends Pick<Signer, 'sign'> {
  /** `<type> <base64>`. */
  readonly material: string;
}

/** Makes an Ed25519 key; gives its private half in PEM (PKCS #8). */
export function newPrivateKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Reads a private key as `newPrivateKey` gives it. Throws `CONFIG_INVALID`, which says nothing of what it holds. */
export function ownKey(pem: string): OwnKey {
  const key = read(pem);
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const blob = Buffer.concat([field(TYPE), field(der.subarray(der.length - RAW_KEY_BYTES))]);
  return { material: `${TYPE} ${blob.toString('base64')}`, sign: async (payload) => signature(key, blob, payload) };
}

/** An Ed25519 key in PEM as OpenSSH writes it (PROTOCOL.key), unencrypted: what an SSH library logs in with. */
export function openSshKey(pem: string): string {
  const { d = '', x = '' } = read(pem).export({ format: 'jwk' });
  const [secret, open] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')];
  const check = Buffer.alloc(8); // says that it was decrypted well, which it is not in need of
  const inner = Buffer.concat([check, field(TYPE), field(open), field(Buffer.concat([secret, open])), field('')]);
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, i) => i + 1));
  const count = Buffer.alloc(4);
  count.writeUInt32BE(1);
  const [none, pair] = [field('none'), field(Buffer.concat([field(TYPE), field(open)]))];
  const head = [Buffer.from('openssh-key-v1\0'), none, none, field(''), count, pair];
  const body = Buffer.concat([...head, field(Buffer.concat([inner, padding]))]).toString('base64');
  const lines = body.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

function read(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // told below, without what it says of the file
  }
  throw new KvError('CONFIG_INVALID', 'the key that signs here is no Ed25519 key in PEM');
}

/** An SSHSIG (OpenSSH's PROTOCOL.sshsig) over a payload, armoured as `ssh-keygen -Y sign` does it. */
function signature(key: KeyObject, blob: Buffer, payload: Uint8Array): string {
  const digest = createHash(HASH).update(payload).digest();
  const head = Buffer.from(MAGIC);
  const signed = Buffer.concat([head, field(NAMESPACE), field(''), field(HASH), field(digest)]);
  const made = Buffer.concat([field(TYPE), field(sign(null, signed, key))]);
  const version = Buffer.alloc(4);
  version.writeUInt32BE(VERSION);
  const body = Buffer.concat([head, version, field(blob), field(NAMESPACE), field(''), field(HASH), field(made)]).toString(
    'base64',
  );
  const lines = body.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n');
}

/** A length and the bytes (RFC 4251, section 5). */
function field(content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
