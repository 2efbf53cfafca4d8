import type { Oid } from '../../../../ports/vocabulary.js';
import { readAhead } from '../../../git/read-ahead.js';
import { type Pointer, tombstone } from '../../../ledger/value/pointer.js';
import type { RuleContext } from '../../../verify/fault.js';
import { type KeyChange, type LedgerPart, ledgerParts } from '../../../verify/keys/ledger-changes.js';
import { checkValues } from '../../../verify/keys/values.js';
import { rulesAt, type Tally, type VerifyContext } from '../context.js';
import type { FindingPlace } from '../findings.js';
import type { KnownChunks } from './known-chunks.js';

/** Two ledger trees, and what the keys that differ are held against. */
interface KeysRequest {
  readonly before: Oid | null;
  readonly after: Oid;
  /** The transaction that must have set the changed keys; null: many did. */
  readonly txn: string | null;
  readonly place: FindingPlace;
  readonly chunks: KnownChunks;
  /** Read every value and hold it against its ETag. */
  readonly digests: boolean;
  /**
   * Hears what the index must say of each key that differs, some keys at a time. Null: the key changed, but what the index must say
   * of it could not be told. `digests`, where they are given, are those of the keys, in the order of the map.
   */
  readonly take: (pointers: ReadonlyMap<string, Pointer | null>, digests?: readonly string[]) => void;
}

/** How many keys were set and deleted. */
interface CheckedKeys {
  readonly set: number;
  readonly del: number;
}

const NO_KEYS: ReadonlySet<string> = new Set();

/** How many keys to look at in one request, and how many requests to have under way: git reads on while keys are looked through. */
const KEYS_BATCH = 512;
const DEPTH = 4;

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
  const checking = readAhead(
    keyBatches(rules, request),
    async ({ changes, digests, torn }) => {
      const checked = context.blobs
        ? await checkValues(rules, values, changes)
        : { pointers: unread(changes), values: 0, bytes: 0 };
      return { changes, digests, torn, checked };
    },
    DEPTH,
  );
  for await (const { changes, digests, torn, checked } of checking) {
    request.take(new Map(torn.map((key) => [key, null])));
    request.take(checked.pointers, digests);
    tally.values += checked.values;
    tally.bytes += checked.bytes;
    tally.keys += changes.length + torn.length;
    let sets = 0;
    for (const { op } of changes) if (op === 'set') sets++;
    set += sets;
    del += changes.length - sets;
    context.onProgress(`${set + del} keys`);
  }
  return { set, del };
}

/** The keys that differ, so many at a time as are asked for together. */
async function* keyBatches(rules: RuleContext, { before, after }: KeysRequest): AsyncGenerator<LedgerPart> {
  for await (const { changes, digests, torn } of ledgerParts(rules, before, after)) {
    for (let at = 0; at < changes.length || at === 0; at += KEYS_BATCH) {
      const [from, to] = [at, at + KEYS_BATCH];
      yield { changes: changes.slice(from, to), digests: digests.slice(from, to), torn: at === 0 ? torn : [] };
    }
  }
}

const unread = (changes: readonly KeyChange[]): Map<string, Pointer | null> =>
  new Map(changes.map(({ key, op }) => [key, op === 'del' ? tombstone(key) : null]));
