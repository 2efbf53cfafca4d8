import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { NamespacePolicy, Policy } from '../../../ports/stargate/policy-reader.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { type Intent, readIntent } from '../../ledger/intent/intent.js';
import { intentMetadata, type IntentSet } from '../../ledger/intent/intent-plan.js';
import { MANIFESTS_DIR } from '../../ledger/intent/intent-operations.js';
import type { Manifest } from '../../ledger/value/manifest.js';
import { encodeMetadata } from '../../ledger/value/metadata.js';
import { signerOf } from '../../verify/attestation/commit-signer.js';
import { checkRepository } from '../../verify/attestation/repository.js';
import { type RuleContext, throwFault, wrongKey } from '../../verify/fault.js';
import type { KeyChange } from '../../verify/keys/ledger-changes.js';
import { chunksIn, type FindChunks } from '../../verify/keys/manifests.js';
import { checkDigests } from '../../verify/keys/new-chunks.js';
import { checkAllValues } from '../../verify/keys/values.js';
import { namespacePolicy, requireMode } from '../../verify/policy-rules.js';
import { manifestsOf } from '../../verify/sequenced.js';
import { checkIdTimes } from '../accept/transaction-ids.js';
import { stateAt, type ValidationContext } from '../accept/validation-context.js';
import { indexRef, ledgerRef } from '../../ledger/refs.js';
import { overlay } from './overlay.js';

/** An intent that may be ordered, as far as that can be said before its turn has come. */
export interface SoundIntent {
  readonly intent: Intent;
  /** The writer's name in the policy. */
  readonly signer: string;
  /** The policy that it was held against. */
  readonly policy: Policy;
  readonly manifests: ReadonlyMap<string, Manifest>;
}

/**
 * Checks an intent by itself: form, signature, repository, and the policy on what it sets. `store` has its objects. Throws what its
 * writer is to see. What depends on the ledger is for the moment when it is ordered.
 */
export async function checkIntent(context: ValidationContext, oid: Oid, store: GitStore): Promise<SoundIntent> {
  const { namer, policy, repository } = context;
  const intent = await readIntent((oids) => store.read(oids), namer, oid);
  const { ns, txn } = intent.trailers;
  const own = namespacePolicy(policy, ns);
  requireMode(own, ns, 'sequenced');
  if (repository !== undefined) checkRepository(throwFault, oid, intent.trailers.repository, { ...repository, required: true });
  checkIdTimes([{ oid, txn }], context.clock.now());
  const rules = { ...context, store, ns, emit: throwFault };
  const begins = intent.operations.epoch !== undefined;
  const link = { oid, commit: intent.commit };
  const [listed, role] = begins ? ([policy.admins, 'admin'] as const) : ([own.writers, 'writer'] as const);
  const signer = await signerOf(rules, context.verifier, link, listed, role);
  const manifests = await checkSets(rules, intent, own);
  return { intent, signer, policy, manifests };
}

/** The chunks that the epoch has now. */
function chunksNow(rules: RuleContext): FindChunks {
  return async (digests) => {
    if (digests.length === 0) return new Map();
    const { store, ns } = rules;
    const [ledger, index] = [ledgerRef(ns), indexRef(ns)];
    const refs = await store.refs([ledger, index]);
    const { chunksTree } = await stateAt(store, ns, refs.get(ledger) ?? null, refs.get(index) ?? null);
    return chunksIn(rules, chunksTree)(digests);
  };
}

/** The rules for values are those of a pushed transaction: metadata is made of the intent, and both are held against the policy. */
async function checkSets(rules: RuleContext, intent: Intent, policy: NamespacePolicy): Promise<Map<string, Manifest>> {
  const sets = intent.operations.ops.filter((one): one is IntentSet => one.op === 'set');
  const metas = new Map<Oid, GitObject>();
  const changes = sets.map((one): KeyChange => {
    const meta = rules.namer.object('blob', encodeMetadata(intentMetadata(intent, one, one.ttl)));
    metas.set(meta.oid, meta);
    const chunked = one.file.dir === MANIFESTS_DIR;
    const blob = (chunked ? intent.manifests : intent.values)[one.file.at] as Oid; // as reading it has made sure
    return { op: 'set', key: one.key, meta: meta.oid, data: chunked ? null : blob, manifest: chunked ? blob : null };
  });
  const there = chunksNow(rules);
  const brought: FindChunks = async (digests) => {
    const known = await there(digests.filter((digest) => !intent.chunks.has(digest)));
    return known && new Map([...known, ...intent.chunks]);
  };
  await checkDigests(
    rules,
    [...intent.chunks].map(([digest, oid]) => ({ digest, oid })),
  );
  const pointers = await checkAllValues(
    { ...rules, store: overlay(rules.store, metas) },
    { policy, txn: intent.trailers.txn, sizesFirst: true, findChunks: brought, content: false, digests: 'all' },
    changes,
  );
  for (const { key, size } of sets) {
    const actual = pointers.get(key);
    if (actual?.type !== 'deleted' && actual?.size !== size)
      throwFault(wrongKey(key, `its value has not the ${size} bytes that the intent says`));
  }
  return readManifests(rules, intent);
}

/** The manifests, parsed; every chunk that is brought is named by one of them. */
async function readManifests({ store }: RuleContext, intent: Intent): Promise<Map<string, Manifest>> {
  const manifests = await manifestsOf(store, intent);
  const named = new Set([...manifests.values()].flatMap(({ chunks }) => chunks.map(({ digest }) => digest)));
  const stray = [...intent.chunks.keys()].find((digest) => !named.has(digest));
  if (stray === undefined) return manifests;
  throw new KvError('ATTESTATION_MISMATCH', `intent ${intent.oid} brings chunk ${stray}, which none of its manifests names`);
}
