import type { Oid } from '../../ports/vocabulary.js';
import { parseLedgerMessage } from '../attestation.js';
import { decodeCommit } from '../commit.js';
import { keyBytes, quoteKey } from '../key.js';
import { KvError } from '../../ports/error.js';
import { pathsOf, placeOf } from '../ledger.js';
import { formatTime } from '../metadata.js';
import type { Clone } from './clone.js';
import { type Freshness, noNamespace, tipForReading } from './tips.js';

export interface HistoryRequest extends Freshness {
  readonly ns: string;
  readonly key: string;
  readonly limit?: number;
}

/** One transaction that changed a key. */
export interface HistoryEntry {
  readonly commit: Oid;
  readonly txn: string;
  readonly epoch: string;
  /** The writer's clock, ISO 8601. */
  readonly time: string;
  /** `Name <mail>` of the ledger commit's author. */
  readonly author: string;
  readonly signed: boolean;
  readonly op: 'set' | 'del';
  /** Bytes and blob of the value set; null for a deletion. */
  readonly size: number | null;
  readonly oid: Oid | null;
  readonly subject: string;
}

/** The transactions that set or deleted a key, newest first. Throws `NOT_FOUND` when there is none. */
export async function* keyHistory(clone: Clone, request: HistoryRequest): AsyncGenerator<HistoryEntry> {
  keyBytes(request.key);
  const { ns, key } = request;
  const tip = await tipForReading(clone, ns, request);
  if (tip === null) throw noNamespace(ns);
  const paths = pathsOf(ns, placeOf(key, clone.hasher));
  const query = {
    tip: tip.ledger,
    paths: [paths.data, paths.manifest, paths.meta],
    ...(request.limit ? { limit: request.limit } : {}),
  };
  let found = 0;
  for await (const oid of clone.store.history(query)) {
    found++;
    yield await describe(clone, oid, paths.data);
  }
  if (found === 0)
    throw new KvError('NOT_FOUND', `no key ${quoteKey(key)} in the history of namespace ${ns}`, {
      hint: `see what there is: git kv --ns ${ns} list`,
    });
}

async function describe(clone: Clone, oid: Oid, path: string): Promise<HistoryEntry> {
  const [object] = await clone.store.read([oid]);
  const commit = decodeCommit(object?.body ?? new Uint8Array(0), oid, clone.store.objectFormat);
  const trailers = parseLedgerMessage(commit.message, oid);
  const [value] = await clone.store.readPaths(commit.tree, [path]);
  const [, author = '', seconds = '0'] = /^(.*>) (\d+) /.exec(commit.author) ?? [];
  return {
    commit: oid,
    txn: trailers.txn,
    epoch: trailers.epoch,
    time: formatTime(Number(seconds) * 1000),
    author,
    signed: commit.signature !== null,
    op: value ? 'set' : 'del',
    size: value ? value.body.length : null,
    oid: value?.oid ?? null,
    subject: commit.message.split('\n', 1)[0] ?? '',
  };
}
