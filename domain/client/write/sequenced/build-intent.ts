import { KvError } from '../../../../ports/error.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { NamespacePolicy } from '../../../../ports/stargate/policy-reader.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { stamp } from '../../../git/commit.js';
import { type IntentTrailers, intentCommit, intentTree } from '../../../ledger/intent/intent.js';
import {
  type IntentOperation,
  type IntentOperations,
  MANIFESTS_DIR,
  MAX_OPERATIONS,
  VALUES_DIR,
} from '../../../ledger/intent/intent-operations.js';
import { encodeManifest, type Manifest } from '../../../ledger/value/manifest.js';
import { type Clone, namerOf, type WritingPorts } from '../../clone/clone.js';
import type { FindChunks } from '../value/chunk-value.js';
import type { Expectations } from '../expectations.js';
import { completeOperation, type PreparedOperation } from '../operations.js';
import { signCommit } from '../linear/sign.js';
import type { IntentChunk, SignedIntent } from '../../sequence/signed-intent.js';

/** What an intent is to say, besides what is done to which keys. */
export interface IntentTerms {
  readonly trailers: IntentTrailers;
  /** Milliseconds since the epoch: when its writer wants it. */
  readonly now: number;
  /** What the ledger commit's message is to say; by default it counts the operations. */
  readonly subject?: string | undefined;
  /** The policy as this clone knows it; null: the Stargate judges alone. */
  readonly policy: NamespacePolicy | null;
  readonly expected?: Expectations;
  readonly strictDelete?: boolean;
  /** Tells which chunks need not be brought, since the epoch has them; absent: all are. */
  readonly find?: FindChunks | undefined;
  /** Begin the epoch of this label instead of changing keys. */
  readonly beginEpoch?: string;
}

/** Builds an intent and signs it; nothing of it is written. Throws `POLICY_VIOLATION` by the policy as it is known, and as `signCommit` does. */
export async function buildIntent(
  clone: Clone,
  ports: WritingPorts,
  prepared: readonly PreparedOperation[],
  terms: IntentTerms,
): Promise<SignedIntent> {
  if (prepared.length > MAX_OPERATIONS) throw tooMany(prepared.length);
  const { trailers, now, policy, strictDelete = false, expected, beginEpoch } = terms;
  const namer = namerOf(clone, ports.hasher);
  const identity = await clone.config.identity();
  const values: NewObject[] = [];
  const manifests: NewObject[] = [];
  const ops = prepared.map((one): IntentOperation => {
    if (one.op === 'del') return { op: 'del', key: one.key, strict: strictDelete };
    const complete = completeOperation({ policy, hasher: ports.hasher, author: identity, now, txn: trailers.txn }, one);
    if (complete.op === 'del' || 'stored' in complete) throw new KvError('UNEXPECTED', 'a value was completed to something else');
    const { key, meta } = complete;
    const inline = 'value' in complete;
    const files = inline ? values : manifests;
    const file = { dir: inline ? VALUES_DIR : MANIFESTS_DIR, at: files.length } as const;
    files.push(namer.object('blob', inline ? complete.value : encodeManifest(complete.manifest)));
    const size = inline ? complete.value.length : complete.manifest.totalSize;
    const keepTtl = one.priorTtl === 'keep' && one.expiresAt === undefined;
    return { op: 'set', key, size, ctype: meta.ctype, ttl: meta.ttl, keepTtl, etag: meta.etag, file };
  });
  const chunks = await newChunks(prepared, terms.find);
  const operations: IntentOperations = {
    ops,
    expect: [...(expected?.expectBlobs ?? [])].map(([key, blob]) => ({ key, blob })),
    ...(expected?.expectTree === undefined ? {} : { expectTree: expected.expectTree }),
    ...(beginEpoch === undefined ? {} : { epoch: beginEpoch }),
  };
  const objects: NewObject[] = [];
  const named = {
    values: oidsOf(values),
    manifests: oidsOf(manifests),
    chunks: new Map([...chunks].map(([d, { blob }]) => [d, blob])),
  };
  const tree = intentTree(namer, operations, named, objects);
  const commit = intentCommit(tree, stamp(identity, now), terms.subject ?? subjectOf(trailers.ns, prepared), trailers);
  const { object, unsigned } = await signCommit(clone, ports, commit, policy?.requireSignedCommits === false);
  const all = new Map([object, ...objects, ...values, ...manifests].map((each) => [each.oid, each]));
  return {
    oid: object.oid,
    trailers,
    objects: [...all.values()],
    chunks: [...chunks.values()].filter(({ blob }) => !all.has(blob)),
    manifests: named.manifests,
    unsigned,
  };
}

const oidsOf = (objects: readonly NewObject[]): Oid[] => objects.map(({ oid }) => oid);

function subjectOf(ns: string, operations: readonly PreparedOperation[]): string {
  const set = operations.filter(({ op }) => op === 'set').length;
  return `kv: ${ns}: set ${set}, delete ${operations.length - set}`;
}

/** The chunks of large values, by digest, that an epoch is not known to have. */
async function newChunks(
  prepared: readonly PreparedOperation[],
  find: FindChunks | undefined,
): Promise<Map<string, IntentChunk>> {
  const manifests = prepared.flatMap((one): Manifest[] =>
    one.op === 'del' || one.value instanceof Uint8Array ? [] : [one.value],
  );
  const named = new Map(manifests.flatMap(({ chunks }) => chunks.map((chunk) => [chunk.digest, chunk] as const)));
  const known = await find?.([...named.keys()]);
  return new Map([...named].filter(([digest, { blob }]) => known?.get(digest) !== blob));
}

function tooMany(count: number): KvError {
  return new KvError(
    'POLICY_VIOLATION',
    `${count} operations are more than the ${MAX_OPERATIONS} that one transaction of a sequenced ledger may have`,
    {
      hint: 'write them in several transactions',
      advice: { id: 'write-less' },
      details: { limit: MAX_OPERATIONS, operations: count },
    },
  );
}
