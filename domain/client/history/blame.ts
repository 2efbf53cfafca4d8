import type { SignatureVerifier } from '../../../ports/signer.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { momentNow } from '../past/at.js';
import type { Clone } from '../clone/clone.js';
import { commitsBack, epochsBack } from '../past/epoch-chain.js';
import { listKeys } from '../read/list.js';
import type { Freshness, LedgerCommit } from '../clone/tips.js';
import { type Attribution, Signers } from './attribution.js';

interface BlameRequest extends Freshness {
  readonly ns: string;
  readonly prefix: string;
  /** Also give the ledger commits, and go into earlier epochs for them that are not here yet. */
  readonly commits: boolean;
  /** What verifies signatures; absent: nobody's word but the metadata's is asked for, and no history walked without `commits`. */
  readonly verifier?: SignatureVerifier | undefined;
}

/** Who last changed a key. */
export interface Blame extends Attribution {
  readonly key: string;
  /** ISO 8601, and the mail address of the writer, as the key's metadata has them: the writer's own word. */
  readonly time: string;
  readonly author: string;
  readonly txn: string;
  /** Present when asked for; null when its epoch can't be had any more. */
  readonly commit?: Oid | null;
}

/** Who last changed each live key under a prefix, in the order of the keys' urlsafe forms. Throws `NOT_FOUND`. */
export async function* blame(clone: Clone, request: BlameRequest): AsyncGenerator<Blame> {
  const keys = blameKeys(clone, request);
  if (!request.commits && request.verifier === undefined) {
    yield* keys;
    return;
  }
  const found: Blame[] = [];
  for await (const blame of keys) found.push(blame);
  const signers = await Signers.of(clone, request.ns, request.verifier); // by now, the policy was fetched
  if (!request.commits && signers === null) {
    yield* found;
    return;
  }
  const commits = await commitsOf(clone, request, new Set(found.map(({ txn }) => txn)));
  for (const blame of found) {
    const ledger = commits.get(blame.txn);
    const signer = ledger === undefined ? null : ((await signers?.nameOf(ledger)) ?? null);
    const attributed: Blame = signer === null ? blame : { ...blame, by: signer, source: 'signature' };
    yield request.commits ? { ...attributed, commit: ledger?.oid ?? null } : attributed;
  }
}

async function* blameKeys(clone: Clone, request: BlameRequest): AsyncGenerator<Blame> {
  for await (const { key, detail } of listKeys(clone, { ...request, long: true, allowExpired: false })) {
    if (detail === undefined) continue;
    const { createdAt: time, createdBy: author, txn } = detail;
    yield { key, time, author, txn, by: author, source: 'claim' };
  }
}

/**
 * The ledger commits of transactions, as far as they can be had, or, unless they were asked for, are here; goes no further back than it
 * must.
 */
async function commitsOf(clone: Clone, request: BlameRequest, txns: Set<string>): Promise<Map<string, LedgerCommit>> {
  const { ns, commits } = request;
  const found = new Map<string, LedgerCommit>();
  if (txns.size === 0) return found;
  const { ledger } = await momentNow(clone, ns, { ...request, offline: true });
  for await (const end of epochsBack(clone, ns, ledger, { ...request, offline: request.offline || !commits })) {
    for await (const batch of commitsBack(clone, end)) {
      for (const one of batch) if (txns.delete(one.trailers.txn)) found.set(one.trailers.txn, one);
      if (txns.size === 0) return found;
    }
  }
  return found;
}
