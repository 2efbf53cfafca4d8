import type { Oid } from '../../../ports/vocabulary.js';
import { type Pointer, tombstone } from '../../ledger/pointer.js';
import { type KeyChange, ledgerChanges } from '../../verify/keys/ledger-changes.js';
import { checkValues } from '../../verify/keys/values.js';
import { rulesAt, type Tally, type VerifyContext } from './context.js';
import type { Place } from './findings.js';
import type { KnownChunks } from './known-chunks.js';

/** Two ledger trees, and what the keys that differ are held against. */
interface KeysRequest {
  readonly before: Oid | null;
  readonly after: Oid;
  /** The transaction that must have set the changed keys; null: many did. */
  readonly txn: string | null;
  readonly place: Place;
  readonly chunks: KnownChunks;
  /** Read every value and hold it against its ETag. */
  readonly digests: boolean;
}

/** What the keys that differ must have for pointers, and how many were set and deleted. */
interface CheckedKeys {
  /** Null: the key changed, but what the index must say of it could not be told. */
  readonly pointers: ReadonlyMap<string, Pointer | null>;
  readonly set: number;
  readonly del: number;
}

/** How many keys to look at in one request. */
const BATCH = 4096;
const NO_KEYS: ReadonlySet<string> = new Set();

/** Checks the keys that differ between two ledger trees, a batch at a time. */
export async function checkKeys(context: VerifyContext, request: KeysRequest, tally: Tally): Promise<CheckedKeys> {
  const rules = rulesAt(context, request.place);
  const { changes, torn } = await ledgerChanges(rules, request.before, request.after);
  const values = {
    policy: null,
    txn: request.txn,
    sizesFirst: false,
    findChunks: request.chunks.find,
    content: request.digests,
    digests: request.digests ? ('all' as const) : NO_KEYS,
  };
  const pointers = new Map<string, Pointer | null>(torn.map((key) => [key, null]));
  for (let at = 0; at < changes.length; at += BATCH) {
    const batch = changes.slice(at, at + BATCH);
    const checked = context.blobs ? await checkValues(rules, values, batch) : { pointers: unread(batch), values: 0, bytes: 0 };
    for (const [key, pointer] of checked.pointers) pointers.set(key, pointer);
    tally.values += checked.values;
    tally.bytes += checked.bytes;
    context.onProgress(`${at + batch.length} of ${changes.length} keys`);
  }
  tally.keys += changes.length + torn.length;
  const set = changes.filter(({ op }) => op === 'set').length;
  return { pointers, set, del: changes.length - set };
}

const unread = (changes: readonly KeyChange[]): Map<string, Pointer | null> =>
  new Map(changes.map(({ key, op }) => [key, op === 'del' ? tombstone(key) : null]));
