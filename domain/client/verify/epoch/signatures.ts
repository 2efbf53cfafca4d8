import type { PolicyKey } from '../../../../ports/stargate/policy-reader.js';
import type { SigningKey } from '../../../../ports/clone/signer.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import type { Fault, RuleContext } from '../../../verify/fault.js';
import { checkIntentBinding, intentOf, isSequenced } from '../../../verify/sequenced.js';
import type { Transaction } from '../../../verify/attestation/pairs.js';
import { anySigner, fingerprint, signerOf } from '../../../verify/attestation/commit-signer.js';
import { rulesAt, type VerifyContext } from '../context.js';

/**
 * Verifies every ledger commit's signature, and gives the keys that made those which verify, by commit. One that doesn't verify is a
 * fault; whose it is, is held against the policy as it is now, which may not be the one it was written under, so that a signer who may
 * not write any more is a note.
 */
export async function checkSignatures(
  context: VerifyContext,
  transactions: readonly Transaction[],
): Promise<Map<Oid, SigningKey>> {
  const { findings, ns, policy, namer } = context;
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
    const key = await writersKey(context, { ...rules, emit }, ledger, writers);
    if (key === null) continue;
    keys.set(oid, key);
    if (policy !== null && !isListed(key, writers)) {
      const shown = fingerprint(key, namer.hasher);
      const who = `signed by ${shown}, who is no writer of ${ns} any more`;
      findings.note({ one: `%d ledger commit is ${who}`, many: `%d ledger commits are ${who}` });
    }
  }
  if (policy === null)
    findings.note('the policy is not known here, so that no signer was held against it', 1, { id: 'learn-policy' });
  return keys;
}

const UNKNOWN_SEQUENCER = {
  one: '%d ledger commit was made of an intent, and the key that signs it is not known here',
  many: '%d ledger commits were made of intents, and the key that signs them is not known here',
};
const NO_INTENTS = {
  one: '%d intent is not in this clone: that its writer wanted this transaction rests on the word of the Stargate',
  many: '%d intents are not in this clone: that their writers wanted these transactions rests on the word of the Stargate',
};

/** The key that signed a ledger commit; of one that was made of an intent, the key that signed the intent, as far as that is here. */
async function writersKey(
  context: VerifyContext,
  rules: RuleContext,
  ledger: Transaction['ledger'],
  writers: readonly PolicyKey[],
): Promise<SigningKey | null> {
  const { verifier, findings, sequencers } = context;
  if (!isSequenced(ledger)) return anySigner(rules, verifier, ledger, writers);
  // All the keys that ever were are published: another one is a fault, and no matter of today's policy.
  const strict = rulesAt(context, { epoch: ledger.trailers.epoch });
  if (sequencers.length > 0) await signerOf(strict, verifier, ledger, sequencers, 'sequencer');
  else findings.note(UNKNOWN_SEQUENCER, 1, { id: 'learn-policy' });
  const [header] = await rules.store.headers([ledger.trailers.intent]);
  if (!header) {
    findings.note(NO_INTENTS, 1, { id: 'fetch-intents', ns: context.ns });
    return null;
  }
  const intent = await intentOf(rules, ledger);
  if (intent === null) return null;
  checkIntentBinding(rules, ledger, intent);
  return anySigner(rules, verifier, { oid: intent.oid, commit: intent.commit }, writers);
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
