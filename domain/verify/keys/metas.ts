import type { NamespacePolicy } from '../../../ports/stargate/policy-reader.js';
import { quoteKey } from '../../ledger/value/key.js';
import { decodeMetadata, MAX_METADATA, type Metadata } from '../../ledger/value/metadata.js';
import { readBlobs } from '../blobs.js';
import { attempt, wrongKey, type RuleContext } from '../fault.js';
import type { SetChange } from './ledger-changes.js';
import { checkTtl } from '../policy-rules.js';

/** What metadata is held against. */
export interface MetaRequest {
  /** Null: no policy is held against anything. */
  readonly policy: NamespacePolicy | null;
  /** The transaction that set the keys; null when they come from many, as in a snapshot. */
  readonly txn: string | null;
  /** Ask for sizes before anything is read, as befits what a stranger has just pushed. */
  readonly sizesFirst: boolean;
}

/** The metadata of keys that were set, by key, as far as it can be read. */
export async function checkMetas(
  rules: RuleContext,
  request: MetaRequest,
  sets: readonly SetChange[],
): Promise<Map<string, Metadata>> {
  const { emit } = rules;
  const metas = new Map<string, Metadata>();
  const small = request.sizesFirst ? await smallOnes(rules, sets) : sets;
  const files = small.map(({ key, meta }) => ({ key, oid: meta }));
  const bodies = await readBlobs(rules, files, ({ key, oid }) => wrongKey(key, 'its metadata is missing or is no blob', oid));
  for (const [i, { key }] of files.entries()) {
    const body = bodies[i];
    if (!body) continue;
    if (body.length > MAX_METADATA) {
      emit(tooLarge(key));
      continue;
    }
    const meta = attempt(emit, { key }, () => decodeMetadata(body, () => quoteKey(key)));
    if (meta === null) continue;
    if (request.txn !== null && meta.txn !== request.txn) emit(wrongKey(key, `its metadata names transaction ${meta.txn}`));
    if (request.policy !== null) checkTtl(request.policy, key, meta, emit);
    metas.set(key, meta);
  }
  return metas;
}

async function smallOnes({ store, emit }: RuleContext, sets: readonly SetChange[]): Promise<SetChange[]> {
  const headers = await store.headers(sets.map(({ meta }) => meta));
  return sets.filter(({ key }, i) => {
    const small = (headers[i]?.size ?? 0) <= MAX_METADATA;
    if (!small) emit(tooLarge(key));
    return small;
  });
}

const tooLarge = (key: string): ReturnType<typeof wrongKey> => wrongKey(key, `its metadata has more than ${MAX_METADATA} bytes`);
