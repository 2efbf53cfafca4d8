import { KvError } from '../../../ports/error.js';
import { parseSshKey } from '../../../ports/grammar/network/ssh-key.js';
import type { NamespacePolicy } from '../../../ports/stargate/policy-reader.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import { concat } from '../../git/bytes.js';
import { decodeCommit } from '../../git/commit.js';
import { indexRef, ledgerRef, chunksRef } from '../../ledger/refs.js';
import { quoteKey } from '../../ledger/value/key.js';
import { readChain } from '../../verify/attestation/chain.js';
import { pairInOrder } from '../../verify/attestation/pairs.js';
import { checkTransaction, type ParentState } from '../../verify/check-transaction.js';
import { attempt, type Emit, type Fault, faultOf } from '../../verify/fault.js';
import { namespacePolicy } from '../../verify/policy-rules.js';
import { type Clone, namerOf } from '../clone/clone.js';
import { knownPolicy } from '../clone/policy/known-policy.js';
import { type Freshness, tipForReading } from '../remote/tip-for-reading.js';
import { newestTip, readLedgerCommits } from '../clone/tips.js';
import type { KeyDifference } from '../history/key-state.js';
import { readKey } from '../read/read.js';
import { readChunks } from '../read/value.js';
import { JSON_CHECK_MAX, jsonFault, saysJson } from '../write/value/json-check.js';
import { requireReality, type RealityStart } from './about.js';
import { inReality } from './inside.js';
import { changedIn } from './manage.js';
import { heldAgainst } from './promote.js';

/** A value as a check of contents sees it. */
export interface TriedValue {
  readonly key: string;
  readonly ctype: string;
  readonly value: Uint8Array;
}

/** Says what is wrong with a value, without quoting it; undefined when nothing is. */
export type ContentCheck = (tried: TriedValue) => string | undefined | Promise<string | undefined>;

/** What came of trying whether a reality could become true. */
export interface Validation {
  readonly name: string;
  readonly ns: string;
  /** The keys that differ. */
  readonly keys: number;
  /** Whether a policy was known to judge by. */
  readonly policy: boolean;
  /** All that speaks against it; none: it could be promoted now. */
  readonly faults: readonly Fault[];
}

/** What a reality is held against. */
export interface ValidationRequest extends Freshness {
  /** Besides JSON where a content type says so. */
  readonly checks: readonly ContentCheck[];
}

/**
 * Holds a reality against all that its promotion will be: what others have written since, the policy as last fetched, who this clone
 * signs as, and the Stargate's own rules of a sound transaction; and looks into its values. Collects every fault. Throws `NOT_FOUND`.
 */
export async function validateReality(clone: Clone, ns: string, name: string, request: ValidationRequest): Promise<Validation> {
  const start = await requireReality(clone, ns, name);
  const faults: Fault[] = [];
  const emit: Emit = (fault) => void faults.push(fault);
  const now = await tipForReading(clone, ns, request);
  const touched = await changedIn(clone, start);
  const { changed } = await heldAgainst(clone, ns, now, touched);
  for (const key of changed) {
    const message = `key ${quoteKey(key)} has changed since the reality began`;
    emit({ code: 'CAS_CONFLICT', message, subject: { key } });
  }
  const policy = await knownPolicy(clone);
  const judged = policy === null ? null : attempt(emit, {}, () => namespacePolicy(policy, ns));
  if (judged !== null) {
    await checkWriter(clone, judged, emit);
    await checkTransactions(clone, start, judged, emit);
  }
  await checkContents(clone, start, touched, request.checks, emit);
  return { name, ns, keys: touched.length, policy: policy !== null, faults };
}

/** Whether the key that this clone signs with may write here, as far as it can be told without signing. */
async function checkWriter(clone: Clone, policy: NamespacePolicy, emit: Emit): Promise<void> {
  if (!policy.requireSignedCommits) return;
  const { signer } = await clone.forWriting();
  const line = await signer.publicKey?.();
  const key = line === null || line === undefined ? null : parseSshKey(line);
  if (key === null || typeof key === 'string') return; // an agent's, or an OpenPGP key: the push will tell
  const material = `${key.type} ${key.base64}`;
  if (policy.writers.some((writer) => writer.kind === 'ssh' && writer.material === material)) return;
  emit({
    code: 'SIGNER_UNKNOWN',
    message: 'the key that this clone signs with is no writer of the namespace',
    hint: 'an admin lists writers in the policy',
    subject: {},
  });
}

/** Nothing of what is tried is signed. */
const NOBODY: SignatureVerifier = {
  async verify() {
    throw new KvError('SIGNATURE_INVALID', 'what is tried in a reality is not signed');
  },
};

/** The Stargate's rules over each transaction that was tried, but for the signature that a promotion adds. */
async function checkTransactions(clone: Clone, start: RealityStart, policy: NamespacePolicy, emit: Emit): Promise<void> {
  const { ns, name, base, index, chunks } = start;
  const inside = await inReality(clone, ns, name);
  const tip = await newestTip(inside, ns);
  if (tip === null || tip.ledger === base) return;
  if (tip.index === null) {
    const message = `the index that ledger commit ${tip.ledger} names is not in this clone`;
    emit({ code: 'ATTESTATION_MISMATCH', message, subject: { commit: tip.ledger } });
    return;
  }
  const { store } = inside;
  const { randomness, hasher } = await inside.forWriting();
  const chunksOf = chunksRef(ns, tip.trailers.epoch);
  const refs = await store.refs([chunksOf]);
  const limit = Number.POSITIVE_INFINITY;
  const chunksNext = refs.get(chunksOf);
  const chains = {
    ledger: await readChain(store, emit, { ref: ledgerRef(ns), old: base, next: tip.ledger, limit }),
    index: await readChain(store, emit, { ref: indexRef(ns), old: index, next: tip.index, limit }),
    chunks:
      chunksNext === undefined || chunksNext === chunks
        ? []
        : await readChain(store, emit, { ref: chunksOf, old: chunks, next: chunksNext, limit }),
  };
  let state = await stateAt(inside, start);
  const context = {
    ...{ store, ns, emit, randomness },
    namer: namerOf(inside, hasher),
    verifier: NOBODY,
    policy: { ...policy, requireSignedCommits: false, verify: { ...policy.verify, mode: 'full' as const } },
    sampleSize: 1, // what is tried is checked in full
  };
  try {
    for (const pushed of pairInOrder(emit, ns, chains)) state = (await checkTransaction(context, pushed, state)).state;
  } catch (error) {
    emit(faultOf(error)); // what can't be read any further
  }
}

/** The state that the reality began on. */
async function stateAt({ store, ...clone }: Clone, { base, chunks }: RealityStart): Promise<ParentState> {
  const [ledger] = base === null ? [] : await readLedgerCommits({ store, ...clone }, [base]);
  const [object] = chunks === null ? [] : await store.read([chunks]);
  const chunksTree = object && chunks ? decodeCommit(object.body, chunks, store.objectFormat).tree : null;
  if (ledger === undefined) return { ledgerTree: null, indexTree: null, chunksTree, epoch: null, parentEpoch: null };
  const { indexTree, epoch, parentEpoch } = ledger.trailers;
  return { ledgerTree: ledger.commit.tree, indexTree, chunksTree, epoch, parentEpoch };
}

/** Looks into the values that were set; larger ones than `JSON_CHECK_MAX` are not held in memory for it. */
async function checkContents(
  clone: Clone,
  { ns, name }: RealityStart,
  touched: readonly KeyDifference[],
  checks: readonly ContentCheck[],
  emit: Emit,
): Promise<void> {
  const inside = await inReality(clone, ns, name);
  for (const { key, after } of touched) {
    if (after === null) continue;
    try {
      const { meta, size, value } = await readKey(inside, { ns, key, allowExpired: true, readFrom: 'mirror', offline: false });
      if (size > JSON_CHECK_MAX) continue;
      const parts: Uint8Array[] = [];
      if (value instanceof Uint8Array) parts.push(value);
      else for await (const part of readChunks(inside, value)) parts.push(part);
      const tried = { key, ctype: meta.ctype, value: concat(parts) };
      const all: ContentCheck[] = saysJson(meta.ctype) ? [(one) => jsonFault(one.value), ...checks] : [...checks];
      for (const check of all) {
        const why = await check(tried);
        if (why !== undefined) emit({ code: 'INPUT_INVALID', message: `value of ${quoteKey(key)}: ${why}`, subject: { key } });
      }
    } catch (error) {
      emit(faultOf(error, { key }));
    }
  }
}
