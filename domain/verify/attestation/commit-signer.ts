import { KvError } from '../../../ports/error.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { PolicyKey } from '../../../ports/stargate/policy-reader.js';
import type { SignatureVerifier, SigningKey, TrustedKey } from '../../../ports/clone/signer.js';
import { encodeBase64 } from '../../../ports/grammar/base64.js';
import { parseSshKey } from '../../../ports/grammar/network/ssh-key.js';
import { decodeLoose, writeHex } from '../../git/bytes.js';
import { encodeCommit } from '../../git/commit.js';
import type { ObjectNamer } from '../../git/object.js';
import type { Link } from './chain.js';
import { faultOf, type RuleContext } from '../fault.js';

/** Whose signature it must be. */
type SignerRole = 'writer' | 'admin' | 'sequencer';

/**
 * The key that signed a ledger commit, whosever it is; null, and a fault, when there is no sound signature: `SIGNATURE_MISSING`,
 * `SIGNATURE_INVALID`. An OpenPGP signature needs its key to be among `atHand`: `SIGNER_UNKNOWN`.
 */
export async function anySigner(
  { namer, emit }: RuleContext,
  verifier: SignatureVerifier,
  { oid, commit }: Link,
  atHand: readonly TrustedKey[],
): Promise<SigningKey | null> {
  if (commit.signature === null) {
    emit({
      code: 'SIGNATURE_MISSING',
      message: `commit ${oid} is not signed`,
      hint: 'set user.signingKey and gpg.format, as docs/ERRORS.md shows, and write through a client of git-kv',
      advice: { id: 'configure-signing' },
      subject: { commit: oid },
    });
    return null;
  }
  try {
    return await verifier.verify(payloadOf({ oid, commit }, namer), commit.signature, atHand);
  } catch (error) {
    emit(faultOf(error, { commit: oid }));
    return null;
  }
}

/**
 * The name of the listed key that signed a ledger commit. `SIGNATURE_MISSING`, `SIGNATURE_INVALID`, or `SIGNER_UNKNOWN` when
 * another key did: then its fingerprint is given, and `-` when there is no sound signature.
 */
export async function signerOf(
  rules: RuleContext,
  verifier: SignatureVerifier,
  link: Link,
  listed: readonly PolicyKey[],
  role: SignerRole,
): Promise<string> {
  const key = await anySigner(rules, verifier, link, listed);
  if (key === null) return '-';
  const owner = await whoseKey(key, listed, verifier, payloadOf(link, rules.namer), link.commit.signature ?? '');
  if (owner !== undefined) return owner.name;
  const shown = fingerprint(key, rules.namer.hasher);
  const { what, hint } = strangerTo(rules.ns)[role];
  rules.emit({
    code: 'SIGNER_UNKNOWN',
    message: `commit ${link.oid} is signed by ${shown}, a key that ${what}`,
    hint,
    subject: { commit: link.oid },
  });
  return shown;
}

/** What is wrong with a key that is not listed, by what it had to be. */
const strangerTo = (ns: string): Record<SignerRole, { readonly what: string; readonly hint: string }> => ({
  admin: { what: 'is no admin of this Stargate', hint: 'an admin can add the key to stargate.admins in the policy' },
  writer: {
    what: `is no writer of namespace ${ns}`,
    hint: `an admin can add the key to namespaces.${ns}.writers in the policy`,
  },
  sequencer: { what: 'is no sequencer of this Stargate', hint: 'only the Stargate makes ledger commits of intents' },
});

/**
 * The listed key that signed a ledger commit; null when none of them did, when the signature isn't sound, or when that can't be told
 * here. `owners` keeps whose each key is: an OpenPGP signature takes a process to verify, and one a listed block to find its owner.
 */
export async function listedOwner(
  namer: ObjectNamer,
  verifier: SignatureVerifier,
  link: Link,
  listed: readonly PolicyKey[],
  owners: Map<string, PolicyKey | null>,
): Promise<PolicyKey | null> {
  const { signature } = link.commit;
  if (signature === null) return null;
  const payload = payloadOf(link, namer);
  let key: SigningKey;
  try {
    key = await verifier.verify(payload, signature, listed);
  } catch (error) {
    if (KvError.is(error)) return null; // whose it is, is not known: a verification says what is wrong with it
    throw error;
  }
  const name = `${key.kind} ${key.id}`;
  const known = owners.get(name);
  if (known !== undefined) return known;
  const owner = (await whoseKey(key, listed, verifier, payload, signature)) ?? null;
  owners.set(name, owner);
  return owner;
}

/** A key as `ssh-keygen -l` and `gpg --fingerprint` show it. */
export function fingerprint({ kind, id }: SigningKey, hasher: Hasher): string {
  const key = kind === 'ssh' ? parseSshKey(id) : undefined;
  if (key === undefined || typeof key === 'string') return id;
  const hex = hasher.hex('sha256', key.blob);
  const digest = new Uint8Array(hex.length / 2);
  writeHex(hex, digest, 0);
  return `SHA256:${decodeLoose(encodeBase64(digest)).replace(/=+$/, '')}`;
}

const payloadOf = ({ commit }: Link, { format }: ObjectNamer): Uint8Array => encodeCommit({ ...commit, signature: null }, format);

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
