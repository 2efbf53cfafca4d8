import { KvError, type KvErrorFields } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { readStamp } from '../../git/commit.js';
import { messageBody } from '../../ledger/transaction/attestation.js';
import { keyBytes, quoteKey } from '../../ledger/value/key.js';
import { pathsOf, placeOf } from '../../ledger/paths.js';
import { formatTime } from '../../ledger/value/metadata.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import { type Attribution, notedBy, Signers } from './attribution.js';
import { absentNamespace } from '../clone/policy/absent-namespace.js';
import type { Clone } from '../clone/clone.js';
import { epochsBack, isRollover, openAll } from '../past/epoch-chain.js';
import { type KeyState, sizesOf, statesOf } from './key-state.js';
import { EpochEvents } from '../past/epoch-events.js';
import { type Freshness, tipForReading } from '../remote/tip-for-reading.js';
import type { LedgerCommit } from '../clone/tips.js';

interface HistoryRequest extends Freshness {
  readonly ns: string;
  readonly key: string;
  readonly limit?: number;
  /** What verifies signatures; absent: they are not. */
  readonly verifier?: SignatureVerifier | undefined;
  /** Go on into earlier epochs; else only the current one. */
  readonly epochs?: boolean;
  /** Told of the epoch where the history ends though the ledger goes on: it was not asked for, or can't be had. */
  readonly onOlder?: (epoch: string) => void;
  /** Told of the commit where a shallow clone ends, and the history with it. */
  readonly onCut?: (oldest: Oid) => void;
}

/** One transaction that changed a key. */
export interface HistoryEntry extends Attribution {
  readonly commit: Oid;
  readonly txn: string;
  readonly epoch: string;
  /** The writer's clock, ISO 8601. */
  readonly time: string;
  /** `Name <mail>` of the ledger commit's author. */
  readonly author: string;
  readonly signed: boolean;
  /** The signer's name and the time of receipt, as the Stargate noted them; null where no watchlog can be had. */
  readonly signer: string | null;
  readonly received: string | null;
  readonly op: 'set' | 'del';
  /** Bytes and blob (of a chunked value: its manifest's) of the value set; null for a deletion. */
  readonly size: number | null;
  readonly oid: Oid | null;
  readonly subject: string;
  /** What the writer added below the first line; mostly nothing. */
  readonly body: string;
}

const BATCH = 64;
/** A walk that took longer is worth preparing the next one. Milliseconds. */
const SLOW_MS = 250;

/**
 * The transactions that set or deleted a key, newest first. A live key that did not change in the epochs asked for has an empty
 * history. Throws `NOT_FOUND` for a key that there was none of.
 */
export async function* keyHistory(clone: Clone, request: HistoryRequest): AsyncGenerator<HistoryEntry> {
  keyBytes(request.key);
  const { ns, key } = request;
  const tip = await tipForReading(clone, ns, request);
  if (tip === null) throw await absentNamespace(clone, ns, request.offline);
  const signers = await Signers.of(clone, ns, request.verifier);
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  let found = false;
  let end: LedgerCommit = { oid: tip.ledger, commit: tip.commit, trailers: tip.trailers };
  for await (end of epochsBack(clone, ns, end, request)) {
    const epochEvents = new EpochEvents(clone, ns, end.trailers.epoch, request);
    for await (const commits of changesIn(clone, request, end, left)) {
      found = true;
      left -= commits.length;
      yield* await describe(clone, request, commits, epochEvents, signers);
    }
    if (left <= 0) return;
    if (request.epochs !== true) break;
  }
  const older = end.trailers.parentEpoch;
  if (older !== null) request.onOlder?.(older);
  if (found || (await statesOf(clone, ns, tip.commit.tree, [key]))[0]) return;
  throw new KvError('NOT_FOUND', `no key ${quoteKey(key)} in the history of namespace ${ns}`, {
    ...whereElse(clone, request, older),
  });
}

function whereElse({ store }: Clone, { ns, epochs }: HistoryRequest, older: string | null): KvErrorFields {
  if (store.capabilities.shallow === true)
    return { hint: 'this clone is shallow, and may have been cut off after it: git fetch --unshallow' };
  if (older !== null && epochs !== true) return { hint: 'look into earlier epochs too', advice: { id: 'look-into-epochs' } };
  return { hint: 'list the keys that there are', advice: { id: 'list-keys', ns } };
}

/** An epoch's commits that changed a key, in batches. */
async function* changesIn(
  clone: Clone,
  request: HistoryRequest,
  end: LedgerCommit,
  limit: number,
): AsyncGenerator<LedgerCommit[]> {
  const { clock, store } = clone;
  // Metadata names the transaction, so it changes with every set: git's path filters want to be asked for one path alone.
  const { meta } = pathsOf(request.ns, placeOf(request.key, clone.hasher));
  const query = { tip: end.oid, paths: [meta], ...(limit === Number.POSITIVE_INFINITY ? {} : { limit: limit + 1 }) }; // and the rollover
  let left = limit;
  let oids: Oid[] = [];
  const take = async (): Promise<LedgerCommit[]> => {
    const changes = (await openAll(clone, oids)).filter((one) => !isRollover(one)).slice(0, left);
    const last = changes.at(-1);
    if (last !== undefined && (await isCutOff(clone, last))) {
      changes.pop();
      request.onCut?.(last.oid);
    }
    left -= changes.length;
    oids = [];
    return changes;
  };
  let since = clock.now();
  let walked = 0;
  for await (const oid of store.history(query)) {
    oids.push(oid);
    if (oids.length < BATCH) continue;
    walked += clock.now() - since;
    yield await take();
    since = clock.now();
  }
  walked += clock.now() - since;
  if (oids.length > 0) yield await take();
  if (walked > SLOW_MS) await store.prepareHistory?.(end.oid);
}

/** Whether a shallow clone ends here: git then takes the commit for a first one, which touches every path. */
async function isCutOff({ store }: Clone, { commit }: LedgerCommit): Promise<boolean> {
  const [parent] = commit.parents;
  return parent !== undefined && (await store.headers([parent]))[0] === null;
}

async function describe(
  clone: Clone,
  { ns, key }: HistoryRequest,
  commits: readonly LedgerCommit[],
  epochEvents: EpochEvents,
  signers: Signers | null,
): Promise<HistoryEntry[]> {
  const states = (await Promise.all(commits.map(({ commit }) => statesOf(clone, ns, commit.tree, [key])))).map(
    ([state]) => state ?? null,
  );
  const sizes = await sizesOf(
    clone,
    states.filter((state): state is KeyState => state !== null),
  );
  const events = await epochEvents.of(commits.map(({ oid }) => oid));
  const names: (string | null)[] = [];
  for (const one of commits) names.push((await signers?.nameOf(one)) ?? null);
  return commits.map(({ oid, commit, trailers }, i) => {
    const state = states[i] ?? null;
    const { identity: author, time } = readStamp(commit.author);
    return {
      commit: oid,
      txn: trailers.txn,
      epoch: trailers.epoch,
      time: formatTime(time),
      author,
      signed: commit.signature !== null,
      ...attributed(names[i] ?? null, events[i]?.signer ?? null, author),
      signer: events[i]?.signer ?? null,
      received: events[i]?.received ?? null,
      op: state ? 'set' : 'del',
      size: state && (sizes.get(state.value) ?? 0),
      oid: state?.value ?? null,
      subject: commit.message.split('\n', 1)[0] ?? '',
      body: messageBody(commit.message),
    };
  });
}

/** The best that is known of who it was. */
function attributed(signer: string | null, noted: string | null, author: string): Attribution {
  if (signer !== null) return { by: signer, source: 'signature' };
  return notedBy(noted) ?? { by: author, source: 'claim' };
}
