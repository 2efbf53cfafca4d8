import { KvError } from '../../../ports/error.js';
import { keyFault, quoteKey } from '../../ledger/value/key.js';
import { pathsOf, placeOf } from '../../ledger/paths.js';
import { momentAt, momentNow } from '../past/at.js';
import type { Clone } from '../clone/clone.js';
import type { LedgerCommit } from '../clone/tips.js';
import { type Reading, type ReadRequest, readingOf } from './read.js';

/** What is read of one state: by `at` (`<oid|time|txn>`) that of then, else the newest. */
export interface ReadManyRequest extends Omit<ReadRequest, 'key'> {
  readonly at?: string;
}

/** A state that was read, and the time by which its TTLs are judged. Milliseconds since the epoch. */
export interface ReadState {
  readonly ledger: LedgerCommit;
  readonly time: number;
}

/** A key with its value, or why it has none: `KEY_INVALID`, `NOT_FOUND`, `EXPIRED`. */
export type ReadOutcome = { readonly key: string } & ({ readonly reading: Reading } | { readonly error: KvError });

/** Keys of which the small values are held at a time. */
const BATCH = 128;

/** Reads many keys of one state, in the order given, a batch of them in one request to the store. */
export async function* readMany(
  clone: Clone,
  request: ReadManyRequest,
  keys: Iterable<string> | AsyncIterable<string>,
  state?: ReadState,
): AsyncGenerator<ReadOutcome> {
  const { ns, at } = request;
  const of = state ?? (at === undefined ? await momentNow(clone, ns, request) : await momentAt(clone, ns, at, request));
  let batch: string[] = [];
  for await (const key of keys) {
    batch.push(key);
    if (batch.length < BATCH) continue;
    yield* readBatch(clone, request, batch, of);
    batch = [];
  }
  yield* readBatch(clone, request, batch, of);
}

async function* readBatch(
  clone: Clone,
  request: ReadManyRequest,
  keys: readonly string[],
  { ledger, time }: ReadState,
): AsyncGenerator<ReadOutcome> {
  const wanted = [...new Set(keys)].filter((key) => keyFault(key) === undefined);
  const paths = wanted.flatMap((key) => {
    const { meta, data, manifest } = pathsOf(request.ns, placeOf(key, clone.hasher));
    return [meta, data, manifest];
  });
  const objects = paths.length === 0 ? [] : await clone.store.readPaths(ledger.commit.tree, paths);
  const at = new Map(wanted.map((key, i) => [key, 3 * i]));
  for (const key of keys) {
    const start = at.get(key);
    try {
      if (start === undefined) throw new KvError('KEY_INVALID', `invalid key ${quoteKey(key)}: ${keyFault(key)}`);
      const [meta = null, data = null, manifest = null] = objects.slice(start, start + 3);
      yield { key, reading: await readingOf(clone, { ...request, key }, { ledger, time }, { meta, data, manifest }) };
    } catch (error) {
      if (!KvError.is(error) || !ABSENT.has(error.code)) throw error;
      yield { key, error };
    }
  }
}

const ABSENT: ReadonlySet<string> = new Set(['KEY_INVALID', 'NOT_FOUND', 'EXPIRED']);
