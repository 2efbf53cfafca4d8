import { createHash, timingSafeEqual } from 'node:crypto';
import ssh2 from 'ssh2';
import type { AuthContext } from 'ssh2';
import { type Principal, principalsOf } from '../../../domain/access/principal.js';
import { sshKeyType } from '../../../ports/grammar/network/ssh-key.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';

/** Who a public key belongs to; null for a stranger. `keyBlob` is the key in SSH wire form. */
export type Identify = (keyType: string, keyBlob: Uint8Array) => Principal | null;

/** The key that a connection has proved to hold. */
export interface ProvenKey {
  readonly type: string;
  readonly blob: Buffer;
}

type AuthVerdict =
  | { readonly kind: 'acceptable' }
  | { readonly kind: 'proven'; readonly key: ProvenKey }
  | { readonly kind: 'refused'; readonly reason: string };

/** What the SSH server can verify: a security key's signature has parts that it doesn't know. */
const KEY_TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa'];

/** A key's fingerprint as `ssh-keygen -l` shows it. `blob` is the key in SSH wire form. */
export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** Reads the policy's SSH keys once and gives the function that looks a key up. */
export function identifyBy(policy: Policy): Identify {
  const known = principalsOf(policy);
  return (_keyType, keyBlob) => {
    let found: Principal | null = null;
    // All are compared, always: how long it takes tells nothing of the list.
    for (const { key, principal } of known) {
      if (key.blob.length === keyBlob.length && timingSafeEqual(key.blob, keyBlob)) found = principal;
    }
    return found;
  };
}

/** Judges one authentication request. Only a signature that verifies over this session's own data proves a key. */
export function judgeAuth(context: AuthContext, identify: Identify): AuthVerdict {
  if (context.method !== 'publickey') return { kind: 'refused', reason: `method ${context.method}` };
  const blob = Buffer.from(context.key.data);
  const type = sshKeyType(blob);
  if (type === undefined || !KEY_TYPES.includes(type)) return { kind: 'refused', reason: 'key type' };
  if (type !== 'ssh-rsa' && context.key.algo !== type) return { kind: 'refused', reason: 'algorithm differs from key' };
  const sha2 = context.hashAlgo === 'sha256' || context.hashAlgo === 'sha512' || context.key.algo.startsWith('rsa-sha2-');
  if (type === 'ssh-rsa' && !sha2) return { kind: 'refused', reason: 'RSA with SHA-1' };
  if (identify(type, blob) === null) return { kind: 'refused', reason: 'unknown key' };
  if (context.signature === undefined) return { kind: 'acceptable' };
  if (context.blob === undefined) return { kind: 'refused', reason: 'nothing signed' };
  return verifies(type, blob, context.blob, context.signature, context.hashAlgo)
    ? { kind: 'proven', key: { type, blob } }
    : { kind: 'refused', reason: 'bad signature' };
}

/**
 * Says yes. A client that asks whether an RSA key would do hears the algorithm that it asked for: ssh2 has put the key's type in its
 * place, and some clients (Go's before 2025) take that for a no.
 */
export function acceptAuth(context: AuthContext): void {
  if (context.method === 'publickey' && context.signature === undefined && context.hashAlgo !== undefined)
    context.key.algo = `rsa-sha2-${context.hashAlgo.replace('sha', '')}`;
  context.accept();
}

function verifies(type: string, key: Buffer, signed: Buffer, signature: Buffer, hash: string | undefined): boolean {
  const parsed = ssh2.utils.parseKey(`${type} ${key.toString('base64')}`);
  if (parsed instanceof Error) return false;
  try {
    // `verify` gives an Error object, which is truthy, for input it cannot use: only `true` will do.
    return parsed.verify(signed, signature, hash) === true;
  } catch {
    return false; // a signature that cannot be read proves nothing
  }
}
