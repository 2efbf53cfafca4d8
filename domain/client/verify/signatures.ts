import { KvError } from '../../../ports/error.js';
import type { PolicyKey } from '../../../ports/policy-reader.js';
import type { SigningKey } from '../../../ports/signer.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { encodeCommit } from '../../git/commit.js';
import type { Transaction } from './chain.js';
import type { VerifyContext } from './context.js';

/**
 * Verifies every ledger commit's signature, and gives the keys that made those which verify, by commit. One that doesn't verify is a
 * fault; whose it is, is held against the policy as it is now, which may not be the one it was written under, so that a signer who may
 * not write any more is a note.
 */
export async function checkSignatures(
  context: VerifyContext,
  transactions: readonly Transaction[],
): Promise<Map<Oid, SigningKey>> {
  const { findings, ns, policy, verifier, namer } = context;
  const writers = [...(policy?.namespaces.get(ns)?.writers ?? []), ...(policy?.admins ?? [])];
  const keys = new Map<Oid, SigningKey>();
  let done = 0;
  for (const { ledger } of transactions) {
    const { oid, commit, trailers } = ledger;
    const place = { commit: oid, ...(trailers === null ? {} : { epoch: trailers.epoch }) };
    if (++done % 1000 === 0) context.onProgress(`${done} of ${transactions.length} signatures`);
    if (commit.signature === null) {
      if (mayBeUnsigned(context)) findings.note('%d ledger commits are not signed');
      else findings.fault(`commit ${oid} is not signed`, place, 'SIGNATURE_MISSING');
      continue;
    }
    try {
      const key = await verifier.verify(encodeCommit({ ...commit, signature: null }, namer.format), commit.signature, writers);
      keys.set(oid, key);
      if (policy !== null && !isListed(key, writers))
        findings.note(`%d ledger commits are signed by ${nameOf(key)}, who is no writer of ${ns} any more`);
    } catch (error) {
      if (KvError.is(error) && error.code === 'SIGNER_UNKNOWN')
        findings.note('%d signatures were not checked: their OpenPGP keys are not at hand');
      else if (KvError.is(error) && error.code === 'NOT_SUPPORTED')
        findings.note(`%d signatures were not checked: ${error.message}`);
      else findings.thrown(KvError.is(error) ? new KvError(error.code, `commit ${oid}: ${error.message}`) : error, place);
    }
  }
  if (policy === null)
    findings.note('the policy is not known here, so that no signer was held against it', 1, { id: 'learn-policy' });
  return keys;
}

function mayBeUnsigned({ policy, ns, alone }: VerifyContext): boolean {
  return alone || policy?.namespaces.get(ns)?.requireSignedCommits === false;
}

/** An OpenPGP signature was verified against the listed keys alone. */
function isListed(key: SigningKey, listed: readonly PolicyKey[]): boolean {
  return key.kind === 'openpgp' || listed.some(({ kind, material }) => kind === 'ssh' && material === key.id);
}

function nameOf({ kind, id }: SigningKey): string {
  return kind === 'ssh' && id.length > 48 ? `${id.split(' ')[0]} …${id.slice(-16)}` : id;
}
