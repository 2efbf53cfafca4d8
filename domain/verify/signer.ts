import { KvError } from '../../ports/error.js';
import type { Hasher } from '../../ports/hasher.js';
import type { PolicyKey } from '../../ports/policy-reader.js';
import type { SignatureVerifier, SigningKey, TrustedKey } from '../../ports/signer.js';
import type { Oid } from '../../ports/vocabulary.js';
import { decodeBase64, encodeBase64 } from '../git/base64.js';
import { decodeLoose, writeHex } from '../git/bytes.js';
import { type Commit, encodeCommit } from '../git/commit.js';
import type { ObjectNamer } from '../git/object.js';

export interface SignedLedgerCommit {
  readonly ns: string;
  readonly oid: Oid;
  readonly commit: Commit;
  readonly namer: ObjectNamer;
}

/** Whose signature it must be. */
export type SignerRole = 'writer' | 'admin';

/** Gives the name of the key that signed. Throws `SIGNATURE_MISSING`, `SIGNATURE_INVALID`, `SIGNER_UNKNOWN`. */
export async function verifySigner(
  verifier: SignatureVerifier,
  signed: SignedLedgerCommit,
  keys: readonly PolicyKey[],
  role: SignerRole,
): Promise<string> {
  const { payload, signature } = signatureOf(signed);
  const key = await verifier.verify(payload, signature, keys);
  const owner = await whoseKey(key, keys, verifier, payload, signature);
  if (owner !== undefined) return owner.name;
  const what = role === 'admin' ? 'is no admin of this Stargate' : `is no writer of namespace ${signed.ns}`;
  throw new KvError(
    'SIGNER_UNKNOWN',
    `commit ${signed.oid} is signed by ${fingerprint(key, signed.namer.hasher)}, a key that ${what}`,
    {
      hint: `an admin can add the key to ${role === 'admin' ? 'stargate.admins' : `namespaces.${signed.ns}.writers`} in the policy`,
    },
  );
}

/** Verifies a signature of whatever key; gives the key's id. An OpenPGP signature needs its key to be `at hand`. */
export async function verifyAnySigner(
  verifier: SignatureVerifier,
  signed: SignedLedgerCommit,
  atHand: readonly TrustedKey[],
): Promise<string> {
  const { payload, signature } = signatureOf(signed);
  return (await verifier.verify(payload, signature, atHand)).id;
}

/** A key as `ssh-keygen -l` and `gpg --fingerprint` show it. */
function fingerprint({ kind, id }: SigningKey, hasher: Hasher): string {
  const blob = kind === 'ssh' ? decodeBase64(id.split(' ')[1] ?? '') : undefined;
  if (blob === undefined) return id;
  const hex = hasher.hex('sha256', blob);
  const digest = new Uint8Array(hex.length / 2);
  writeHex(hex, digest, 0);
  return `SHA256:${decodeLoose(encodeBase64(digest)).replace(/=+$/, '')}`;
}

function signatureOf({ oid, commit, namer }: SignedLedgerCommit): { payload: Uint8Array; signature: string } {
  if (commit.signature !== null)
    return { payload: encodeCommit({ ...commit, signature: null }, namer.format), signature: commit.signature };
  throw new KvError('SIGNATURE_MISSING', `commit ${oid} is not signed`, {
    hint: 'set user.signingKey and gpg.format, as docs/ERRORS.md shows, and write through a client of git-kv',
    advice: { id: 'configure-signing' },
  });
}

/** The listed key that made a signature. An OpenPGP signature names a fingerprint, so each listed block is tried by itself. */
async function whoseKey(
  key: SigningKey,
  listed: readonly PolicyKey[],
  verifier: SignatureVerifier,
  payload: Uint8Array,
  signature: string,
): Promise<PolicyKey | undefined> {
  if (key.kind === 'ssh') return listed.find((one) => one.kind === 'ssh' && one.material === key.id);
  for (const one of listed.filter(({ kind }) => kind === 'openpgp')) {
    try {
      if ((await verifier.verify(payload, signature, [one])).id === key.id) return one;
    } catch (error) {
      if (!KvError.is(error) || error.code !== 'SIGNER_UNKNOWN') throw error; // not this one's key: the next one's, perhaps
    }
  }
  return undefined;
}
