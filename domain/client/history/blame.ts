import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { momentNow } from '../past/at.js';
import type { Clone } from '../clone/clone.js';
import { commitsBack, epochsBack } from '../past/epoch-chain.js';
import { listKeys } from '../read/list.js';
import type { Freshness } from '../remote/tip-for-reading.js';
import type { LedgerCommit } from '../clone/tips.js';
import { isSequenced } from '../../verify/sequenced.js';
import { EpochEvents } from '../past/epoch-events.js';
import { type Attribution, notedBy, Signers } from './attribution.js';

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
  const noted = new NotedSigners(clone, request);
  for (const blame of found) {
    const ledger = commits.get(blame.txn);
    const attribution = ledger === undefined || signers === null ? null : await attributionOf(ledger, signers, noted);
    const attributed: Blame = attribution === null ? blame : { ...blame, ...attribution };
    yield request.commits ? { ...attributed, commit: ledger?.oid ?? null } : attributed;
  }
}

/**
 * Whose key signed a transaction. Where it was made of an intent that is not here, that is what the Stargate has noted, as it is the
 * Stargate that signed; null: by nobody's word but the writer's.
 */
async function attributionOf(ledger: LedgerCommit, signers: Signers, noted: NotedSigners): Promise<Attribution | null> {
  const signer = await signers.nameOf(ledger);
  if (signer !== null) return { by: signer, source: 'signature' };
  return isSequenced(ledger) ? notedBy(await noted.of(ledger)) : null;
}

/** What the Stargate has noted of who signed, read epoch by epoch as it is asked for. */
class NotedSigners {
  private readonly epochs = new Map<string, EpochEvents>();

  constructor(
    private readonly clone: Clone,
    private readonly request: BlameRequest,
  ) {}

  /** Null where no watchlog can be had. */
  async of({ oid, trailers: { epoch } }: LedgerCommit): Promise<string | null> {
    const { clone, request } = this;
    const events = this.epochs.get(epoch) ?? new EpochEvents(clone, request.ns, epoch, request);
    this.epochs.set(epoch, events);
    return (await events.of([oid]))[0]?.signer ?? null;
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
