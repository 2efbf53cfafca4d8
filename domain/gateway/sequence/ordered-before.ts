import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { decodeLoose } from '../../git/bytes.js';
import { decodeCommit } from '../../git/commit.js';
import { commitBatches } from '../../git/commit-batches.js';
import { Generations } from '../../git/generations.js';
import type { Ordered } from '../../git/wire/intent-frames.js';
import { parseLedgerMessage } from '../../ledger/transaction/attestation.js';
import type { Intent } from '../../ledger/intent/intent.js';
import { archiveRef } from '../../ledger/refs.js';
import { reused } from '../accept/transaction-ids.js';

/** An intent, and what has come of it. */
type Kept = readonly [intent: Oid, answer: Ordered];

/** A text of its own: a template's would hold on to the whole message that the id was cut from. */
const keyOf = ({ ns, txn }: Intent['trailers']): string => JSON.stringify([ns, txn]);

/**
 * What has come of intents, the newest of all namespaces: who asks again is answered again. Kept as texts, which take half the memory of
 * the objects and the messages that their ids were cut from.
 */
export class Answers {
  private readonly known: Generations<string, string>;

  /** So many at most are remembered, and at least half as many. */
  constructor(most: () => number) {
    this.known = new Generations(most, () => 1);
  }

  add({ oid, trailers }: Intent, answer: Ordered): void {
    this.known.set(keyOf(trailers), JSON.stringify([oid, answer] satisfies Kept));
  }

  /** The answer that an intent had; undefined: none that is remembered. Throws `TRANSACTION_REUSED` when another had its transaction. */
  of(intent: Intent): Ordered | undefined {
    const found = this.known.get(keyOf(intent.trailers));
    if (found === undefined) return undefined;
    const [oid, answer] = JSON.parse(found) as Kept; // as it was written
    return sameIntent(intent, oid, answer);
  }
}

/** The answer that an intent had, where its own epoch has ended since; undefined: it was not ordered in it. Reads that epoch's commits. */
export async function orderedInArchive(store: GitStore, intent: Intent): Promise<Ordered | undefined> {
  const { ns, epoch } = intent.trailers;
  if (epoch === null) return undefined;
  const ref = archiveRef(ns, epoch);
  const archive = (await store.refs([ref])).get(ref);
  const [object] = archive === undefined ? [] : await store.read([archive]);
  const tip = object ? decodeCommit(object.body, object.oid, store.objectFormat).parents[0] : undefined;
  return tip === undefined ? undefined : orderedIn(store, tip, intent);
}

/** The answer that an intent had, from the ledger itself. `TRANSACTION_REUSED` when another transaction has its id. */
export async function orderedIn(store: GitStore, tip: Oid, intent: Intent): Promise<Ordered | undefined> {
  const line = `\nKV-Txn: ${intent.trailers.txn}\n`;
  for await (const objects of commitBatches(store, { tip })) {
    for (const object of objects) {
      if (object === null || !decodeLoose(object.body).includes(line)) continue;
      const commit = decodeCommit(object.body, object.oid, store.objectFormat);
      const t = parseLedgerMessage(commit.message, object.oid);
      const { ns, txn, epoch, keysSet: set, keysDel: del } = t;
      const parent = commit.parents[0] ?? t.parentLedger;
      const answer = {
        ns,
        txn,
        commit: object.oid,
        parent,
        tree: commit.tree,
        epoch,
        set,
        del,
        unchanged: [],
        lostTtl: [],
        retried: true,
      };
      return sameIntent(intent, t.intent, answer);
    }
  }
  return undefined;
}

/** The answer that a transaction had, for an intent of that transaction. Throws `TRANSACTION_REUSED` where another intent had it. */
export function sameIntent({ oid, trailers }: Intent, ordered: Oid | null, answer: Ordered): Ordered {
  if (ordered === oid) return { ...answer, retried: true };
  throw reused({ oid, txn: trailers.txn, epoch: answer.epoch });
}
