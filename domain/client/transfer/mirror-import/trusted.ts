import { KvError } from '../../../../ports/error.js';
import { MANIFEST_NAMESPACE, type SignedManifest } from '../../../../ports/grammar/mirror-manifest.js';
import type { SignatureVerifier } from '../../../../ports/clone/signer.js';
import { decodeHostKeys, HOST_KEYS_PATH } from '../../../ledger/host-keys.js';
import { POLICY_REF, trackedNames } from '../../../ledger/refs.js';
import { fingerprint } from '../../../verify/attestation/commit-signer.js';
import { newestRef } from '../../clone/chunks-tip.js';
import type { Clone } from '../../clone/clone.js';

/** The fingerprints of the keys that this clone takes links from: those that were named, and the host keys that the Stargate has published here. */
export async function trustedKeys(clone: Clone, named: readonly string[]): Promise<ReadonlySet<string>> {
  const commit = await newestRef(clone, trackedNames(POLICY_REF));
  const [file] = commit === undefined ? [] : await clone.store.readPaths(commit, [HOST_KEYS_PATH]);
  const published = file ? decodeHostKeys(file.body).map((key) => key.fingerprint) : [];
  return new Set([...named, ...published]);
}

/** Throws `SIGNATURE_INVALID`, and `SIGNER_UNKNOWN` for a key that isn't trusted. */
export async function checkSigner(
  { hasher }: Pick<Clone, 'hasher'>,
  verifier: SignatureVerifier,
  { manifest, payload, signature }: SignedManifest,
  trusted: ReadonlySet<string>,
): Promise<void> {
  const shown = fingerprint(await verifier.verify(payload, signature, [], MANIFEST_NAMESPACE), hasher);
  if (trusted.has(shown)) return;
  throw new KvError(
    'SIGNER_UNKNOWN',
    `link ${manifest.seq} is signed by ${shown}, which this clone does not know as a Stargate's key`,
    {
      hint: 'compare it with the host key of the Stargate, and name it',
      advice: { id: 'name-bundle-key', fingerprint: shown },
      details: { seq: manifest.seq, fingerprint: shown },
    },
  );
}
