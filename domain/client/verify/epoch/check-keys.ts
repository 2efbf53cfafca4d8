import type { Oid } from '../../../../ports/vocabulary.js';
import { type Pointer, tombstone } from '../../../ledger/value/pointer.js';
import { type KeyChange, ledgerParts } from '../../../verify/keys/ledger-changes.js';
import { checkValues, VALUES_BATCH } from '../../../verify/keys/values.js';
import { rulesAt, type Tally, type VerifyContext } from '../context.js';
import type { Place } from '../findings.js';
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
  /**
   * Hears what the index must say of each key that differs, some keys at a time. Null: the key changed, but what the index must say
   * of it could not be told.
   */
  readonly take: (pointers: ReadonlyMap<string, Pointer | null>) => void;
}

/** How many keys were set and deleted. */
interface CheckedKeys {
  readonly set: number;
  readonly del: number;
}

const NO_KEYS: ReadonlySet<string> = new Set();

/** Checks the keys that differ between two ledger trees, a part of them at a time. */
export async function checkKeys(context: VerifyContext, request: KeysRequest, tally: Tally): Promise<CheckedKeys> {
  const rules = rulesAt(context, request.place);
  const values = {
    policy: null,
    txn: request.txn,
    sizesFirst: false,
    findChunks: request.chunks.find,
    content: request.digests,
    digests: request.digests ? ('all' as const) : NO_KEYS,
  };
  let [set, del] = [0, 0];
  for await (const { changes, torn } of ledgerParts(rules, request.before, request.after)) {
    request.take(new Map(torn.map((key) => [key, null])));
    for (let at = 0; at < changes.length; at += VALUES_BATCH) {
      const batch = changes.slice(at, at + VALUES_BATCH);
      const checked = context.blobs ? await checkValues(rules, values, batch) : { pointers: unread(batch), values: 0, bytes: 0 };
      request.take(checked.pointers);
      tally.values += checked.values;
      tally.bytes += checked.bytes;
    }
    tally.keys += changes.length + torn.length;
    const sets = changes.filter(({ op }) => op === 'set').length;
    set += sets;
    del += changes.length - sets;
    context.onProgress(`${set + del} keys`);
  }
  return { set, del };
}

const unread = (changes: readonly KeyChange[]): Map<string, Pointer | null> =>
  new Map(changes.map(({ key, op }) => [key, op === 'del' ? tombstone(key) : null]));
