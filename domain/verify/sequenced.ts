import type { GitStore } from '../../ports/git/git-store.js';
import type { PolicyKey } from '../../ports/stargate/policy-reader.js';
import type { SignatureVerifier, SigningKey, TrustedKey } from '../../ports/clone/signer.js';
import type { Oid } from '../../ports/vocabulary.js';
import type { LedgerTrailers } from '../ledger/transaction/attestation.js';
import { type Intent, readIntent } from '../ledger/intent/intent.js';
import { MANIFESTS_DIR } from '../ledger/intent/intent-operations.js';
import { keepingKeys, operationsOf } from '../ledger/intent/intent-plan.js';
import { quoteKey } from '../ledger/value/key.js';
import { decodeManifest, type Manifest } from '../ledger/value/manifest.js';
import { decodeMetadata } from '../ledger/value/metadata.js';
import { pathsOf, placeOf } from '../ledger/paths.js';
import { ledgerTreeAfter } from '../ledger/transaction/transaction.js';
import { messageText } from '../ledger/transaction/trailers.js';
import { expectation } from './attestation/binding.js';
import type { Link } from './attestation/chain.js';
import { anySigner, signerOf } from './attestation/commit-signer.js';
import { faultOf, type RuleContext } from './fault.js';
import { blobsAt } from './trees.js';

/** A ledger commit that says which intent it was made of. */
export type SequencedLink = Link & { readonly trailers: LedgerTrailers & { readonly intent: Oid } };

/** Whether a ledger commit was made of an intent, by what it says. */
export function isSequenced(link: Link & { readonly trailers: LedgerTrailers | null }): link is SequencedLink {
  return link.trailers !== null && link.trailers.intent !== null;
}

/** Reads the intent that a ledger commit names. Null, and a fault, where it is missing or none. */
export async function intentOf({ store, namer, emit }: RuleContext, { oid, trailers }: SequencedLink): Promise<Intent | null> {
  try {
    return await readIntent((oids) => store.read(oids), namer, trailers.intent);
  } catch (error) {
    emit(faultOf(error, { commit: oid }));
    return null;
  }
}

/**
 * Holds a ledger commit against its intent: author, text, transaction, namespace, repository and epoch are the writer's. `ATTESTATION_MISMATCH`
 * otherwise.
 */
export function checkIntentBinding(
  { emit }: Pick<RuleContext, 'emit'>,
  { oid, commit, trailers: t }: SequencedLink,
  intent: Intent,
): void {
  const expect = expectation(emit, oid, ' is not what its intent says');
  expect('the author', commit.author, intent.commit.author);
  expect('the text', messageText(commit.message), intent.text);
  expect('KV-NS', t.ns, intent.trailers.ns);
  expect('KV-Txn', t.txn, intent.trailers.txn);
  expect('KV-Repository', t.repository, intent.trailers.repository);
  const { epoch } = intent.operations;
  if (epoch !== undefined) expect('Epoch', t.epoch, epoch);
  else if (intent.trailers.epoch !== null) expect('Epoch', t.epoch, intent.trailers.epoch);
}

/** The tree of a ledger commit is that of its parent after the intent's operations: `ATTESTATION_MISMATCH` otherwise. Recomputes it. */
export async function checkOrderedTree(
  rules: RuleContext,
  { oid, commit }: SequencedLink,
  intent: Intent,
  before: Oid | null,
): Promise<void> {
  const { store, namer, ns, emit } = rules;
  if (intent.operations.epoch !== undefined) return; // an epoch's first tree is that of the last, as its other rules say
  try {
    const base = before === namer.emptyTree() ? null : before;
    const manifests = await manifestsOf(store, intent);
    const operations = operationsOf(intent, { manifests, kept: await keptTtls(rules, intent, base) });
    const tree = await ledgerTreeAfter(store, namer, ns, base, operations);
    expectation(emit, oid, ' is not what its intent makes of its parent')('the ledger tree', commit.tree, tree);
  } catch (error) {
    emit(faultOf(error, { commit: oid }));
  }
}

/** The manifests that an intent brings, by key. Throws what `decodeManifest` does. */
export async function manifestsOf(store: Pick<GitStore, 'read'>, intent: Intent): Promise<Map<string, Manifest>> {
  const chunked = intent.operations.ops.flatMap((one) => (one.op === 'set' && one.file.dir === MANIFESTS_DIR ? [one] : []));
  const bodies = await store.read(chunked.map(({ file }) => intent.manifests[file.at] as Oid));
  return new Map(
    chunked.map(({ key }, i) => [key, decodeManifest(bodies[i]?.body ?? new Uint8Array(0), quoteKey(key))] as const),
  );
}

/** The TTLs that keys have at a ledger tree (null: there is none) which are to keep theirs, by key. */
export async function keptTtls(rules: RuleContext, intent: Intent, before: Oid | null): Promise<Map<string, string>> {
  const keys = keepingKeys(intent);
  if (keys.length === 0) return new Map();
  const paths = new Map(keys.map((key) => [key, pathsOf(rules.ns, placeOf(key, rules.namer.hasher)).meta]));
  const found = await blobsAt(rules, before, [...paths.values()]);
  const there = keys.filter((key) => found.has(paths.get(key) ?? ''));
  const metas = await rules.store.read(there.map((key) => found.get(paths.get(key) ?? '') as Oid));
  return new Map(
    there.flatMap((key, i) => {
      const { ttl } = decodeMetadata(metas[i]?.body ?? new Uint8Array(0), quoteKey(key));
      return ttl === null ? [] : [[key, ttl] as const];
    }),
  );
}

/** By whom transactions that were made of intents are judged. */
export interface SequencedJudges {
  readonly verifier: SignatureVerifier;
  /** The keys of sequencers; null: any key may have signed, as in history that is adopted. */
  readonly sequencers: readonly PolicyKey[] | null;
  /** Who may have signed the intent; null: anybody. */
  readonly listed: readonly PolicyKey[] | null;
  readonly role: 'writer' | 'admin';
  /** OpenPGP keys at hand, where anybody may have signed. */
  readonly keysAtHand?: readonly TrustedKey[];
}

/** Checks a ledger commit that was made of an intent, whole: both signatures, and what it makes of its parent. Gives the writer's name. */
export async function checkSequenced(
  rules: RuleContext,
  judges: SequencedJudges,
  link: SequencedLink,
  before: Oid | null,
): Promise<string> {
  const { verifier, sequencers, listed, role, keysAtHand = [] } = judges;
  if (sequencers === null) await anySigner(rules, verifier, link, keysAtHand);
  else await signerOf(rules, verifier, link, sequencers, 'sequencer');
  const intent = await intentOf(rules, link);
  if (intent === null) return '-';
  checkIntentBinding(rules, link, intent);
  await checkOrderedTree(rules, link, intent, before);
  const signed = { oid: intent.oid, commit: intent.commit };
  if (listed === null) return nameOf(await anySigner(rules, verifier, signed, keysAtHand));
  return signerOf(rules, verifier, signed, listed, role);
}

const nameOf = (key: SigningKey | null): string => key?.id ?? '-';
