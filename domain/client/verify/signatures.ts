import type { PolicyKey } from '../../../ports/policy-reader.js';
import type { SigningKey } from '../../../ports/signer.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { Fault } from '../../verify/fault.js';
import type { Transaction } from '../../verify/attestation/pairs.js';
import { anySigner, fingerprint } from '../../verify/attestation/commit-signer.js';
import { rulesAt, type VerifyContext } from './context.js';

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
    const { oid, trailers } = ledger;
    const rules = rulesAt(context, trailers === null ? {} : { epoch: trailers.epoch });
    const emit = (fault: Fault): void => {
      const note = noteOf(context, fault);
      if (note !== null) findings.note(note);
      else if (fault.message.includes(oid)) rules.emit(fault);
      else rules.emit({ ...fault, message: `commit ${oid}: ${fault.message}` });
    };
    if (++done % 1000 === 0) context.onProgress(`${done} of ${transactions.length} signatures`);
    const key = await anySigner({ ...rules, emit }, verifier, ledger, writers);
    if (key === null) continue;
    keys.set(oid, key);
    if (policy !== null && !isListed(key, writers)) {
      const shown = fingerprint(key, namer.hasher);
      findings.note(`%d ledger commits are signed by ${shown}, who is no writer of ${ns} any more`);
    }
  }
  if (policy === null)
    findings.note('the policy is not known here, so that no signer was held against it', 1, { id: 'learn-policy' });
  return keys;
}

/** A signature that is missing with leave, or can't be checked here, is no fault: the note to tell instead. */
function noteOf({ policy, ns, alone }: VerifyContext, { code, message }: Fault): string | null {
  const mayBeUnsigned = alone || policy?.namespaces.get(ns)?.requireSignedCommits === false;
  if (code === 'SIGNATURE_MISSING' && mayBeUnsigned) return '%d ledger commits are not signed';
  if (code === 'SIGNER_UNKNOWN') return '%d signatures were not checked: their OpenPGP keys are not at hand';
  return code === 'NOT_SUPPORTED' ? `%d signatures were not checked: ${message}` : null;
}

/** An OpenPGP signature was verified against the listed keys alone. */
function isListed(key: SigningKey, listed: readonly PolicyKey[]): boolean {
  return key.kind === 'openpgp' || listed.some(({ kind, material }) => kind === 'ssh' && material === key.id);
}
