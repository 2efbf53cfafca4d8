import { KvError } from '../../../ports/error.js';
import { parseSshKey } from '../../../ports/grammar/network/ssh-key.js';
import type { Signer } from '../../../ports/clone/signer.js';
import { fingerprint } from '../../verify/attestation/commit-signer.js';
import type { Clone } from '../clone/clone.js';
import { knownPolicy } from '../clone/policy/known-policy.js';

/**
 * Refuses what only admins may before it is built and sent, by the policy as last fetched: `SIGNER_UNKNOWN` when the key that this clone
 * signs with is none of theirs. Says nothing where it can't know, of the key or of the policy: the Stargate has the last word.
 */
export async function checkAdmin(clone: Clone, signer: Signer): Promise<void> {
  const policy = await knownPolicy(clone);
  const line = policy === null ? null : ((await signer.publicKey?.()) ?? null);
  const key = line === null ? undefined : parseSshKey(line);
  if (policy === null || key === undefined || typeof key === 'string') return;
  const id = `${key.type} ${key.base64}`;
  if (policy.admins.some(({ kind, material }) => kind === 'ssh' && material === id)) return;
  const shown = fingerprint({ kind: 'ssh', id }, clone.hasher);
  throw new KvError('SIGNER_UNKNOWN', `this clone signs with ${shown}, a key that is no admin of this Stargate`, {
    hint: 'ask an admin, or have one add the key to stargate.admins in the policy',
  });
}
