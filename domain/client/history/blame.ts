import type { Oid } from '../../../ports/vocabulary.js';
import { momentNow } from '../past/at.js';
import type { Clone } from '../clone/clone.js';
import { commitsBack, epochsBack } from '../past/epoch-chain.js';
import { listKeys } from '../read/list.js';
import type { Freshness } from '../clone/tips.js';

interface BlameRequest extends Freshness {
  readonly ns: string;
  readonly prefix: string;
  /** Also look the ledger commits up, which walks the history once. */
  readonly commits: boolean;
}

/** Who last changed a key. */
export interface Blame {
  readonly key: string;
  /** ISO 8601, and the mail address of the writer, as the key's metadata has them. */
  readonly time: string;
  readonly author: string;
  readonly txn: string;
  /** Present when asked for; null when its epoch can't be had any more. */
  readonly commit?: Oid | null;
}

/** Who last changed each live key under a prefix, in the order of the keys' urlsafe forms. Throws `NOT_FOUND`. */
export async function* blame(clone: Clone, request: BlameRequest): AsyncGenerator<Blame> {
  const keys = blameKeys(clone, request);
  if (!request.commits) {
    yield* keys;
    return;
  }
  const found: Blame[] = [];
  for await (const blame of keys) found.push(blame);
  const commits = await commitsOf(clone, request.ns, new Set(found.map(({ txn }) => txn)), request);
  for (const blame of found) yield { ...blame, commit: commits.get(blame.txn) ?? null };
}

async function* blameKeys(clone: Clone, request: BlameRequest): AsyncGenerator<Blame> {
  for await (const { key, detail } of listKeys(clone, { ...request, long: true, allowExpired: false })) {
    if (detail !== undefined) yield { key, time: detail.createdAt, author: detail.createdBy, txn: detail.txn };
  }
}

/** The ledger commits of transactions, as far as they can be had; goes no further back than it must. */
async function commitsOf(clone: Clone, ns: string, txns: Set<string>, freshness: Freshness): Promise<Map<string, Oid>> {
  const found = new Map<string, Oid>();
  const { ledger } = await momentNow(clone, ns, { ...freshness, offline: true });
  for await (const end of epochsBack(clone, ns, ledger, freshness)) {
    for await (const batch of commitsBack(clone, end)) {
      for (const { oid, trailers } of batch) if (txns.delete(trailers.txn)) found.set(trailers.txn, oid);
      if (txns.size === 0) return found;
    }
  }
  return found;
}
