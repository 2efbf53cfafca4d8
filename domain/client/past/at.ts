import { KvError } from '../../../ports/error.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import { OID_HEX_LENGTH } from '../../../ports/vocabulary.js';
import { formatTime } from '../../ledger/value/metadata.js';
import { readStamp } from '../../git/commit.js';
import { isUlid } from '../../ledger/ulid.js';
import { absentNamespace } from '../clone/policy/absent-namespace.js';
import type { Clone } from '../clone/clone.js';
import { commitsBack, epochsBack, openAll } from './epoch-chain.js';
import { parseHumanTime } from './human-time.js';
import { parseTime } from '../write/value/expiry.js';
import { type Freshness, tipForReading } from '../remote/tip-for-reading.js';
import type { LedgerCommit } from '../clone/tips.js';
import { EpochEvents } from './epoch-events.js';

/** A state of a namespace's past. */
export interface Moment {
  readonly ledger: LedgerCommit;
  /** When TTLs are judged: the time asked for, or that of the commit. Milliseconds since the epoch. */
  readonly time: number;
  /** How it was found; of a time, whether by the Stargate's clock or by the committer's. */
  readonly by: 'now' | 'oid' | 'txn' | 'received' | 'committed';
}

type Wanted =
  /** What is short of a full name: the first digits of a commit, the last characters of a transaction, or either. */
  | { readonly kind: 'part'; readonly prefix: string | undefined; readonly suffix: string | undefined }
  | { readonly kind: 'txn'; readonly txn: string }
  | { readonly kind: 'time'; readonly ms: number };

/** Fewer digits are a slip rather than an abbreviation. */
const SHORTEST_OID = 4;
/** A transaction's id begins with its time, so that its end tells it from others. */
const TXN_SUFFIX = /^[0-9A-HJKMNP-TV-Z]{8,25}$/;

/** True for what can be the end of a transaction's id, and is not the whole. */
export function isTransactionSuffix(text: string): boolean {
  return TXN_SUFFIX.test(text);
}

/** True for what can be a commit's id, or its beginning. */
export function isCommitPrefix(text: string, format: ObjectFormat): boolean {
  return /^[0-9a-f]+$/i.test(text) && text.length >= SHORTEST_OID && text.length <= OID_HEX_LENGTH[format];
}

/** Takes `<oid|time|txn>` apart; `now` in ms since the epoch. Throws `USAGE`. */
function parseAt(text: string, format: ObjectFormat, now: number): Wanted {
  if (isUlid(text)) return { kind: 'txn', txn: text };
  const hex = text.toLowerCase();
  const isOidPrefix = isCommitPrefix(hex, format);
  const ms = isOidPrefix ? undefined : (parseTime(text) ?? parseHumanTime(text, now));
  if (ms !== undefined) return { kind: 'time', ms };
  const part = { prefix: isOidPrefix ? hex : undefined, suffix: isTransactionSuffix(text) ? text : undefined };
  if (part.prefix !== undefined || part.suffix !== undefined) return { kind: 'part', ...part };
  throw new KvError('USAGE', `${JSON.stringify(text.slice(0, 80))} is neither a ledger commit, nor a time, nor a transaction`, {
    hint: 'the history of a key names commits and transactions; a time looks like 2027-01-31T12:00:00Z, or 2h ago',
    advice: { id: 'name-state' },
  });
}

/** What is to be known of a state that was asked for by a time (ms since the epoch) which is yet to come. */
function futureTimeText(ms: number): string {
  return `${formatTime(ms)} is yet to come: this is the newest state, and later writes may change what it is then`;
}

/** The newest state. Throws `NOT_FOUND` when there is no such namespace. */
export async function momentNow(clone: Clone, ns: string, freshness: Freshness): Promise<Moment> {
  const tip = await tipForReading(clone, ns, freshness);
  if (tip === null) throw await absentNamespace(clone, ns, freshness.offline);
  return { ledger: { oid: tip.ledger, commit: tip.commit, trailers: tip.trailers }, time: clone.clock.now(), by: 'now' };
}

/**
 * The state that `<oid|time|txn>` names, in any epoch, newest first. A commit's beginning, or a transaction's
 * end, must be the only one of its epoch. A time
 * gives the newest transaction that the Stargate had received by then; a transaction that no watchlog tells of counts from its committer's
 * time, which is the writer's claim. One that is yet to come gives the newest state, and `onWarning` hears of it. Throws `USAGE`, also
 * when ambiguous, and `NOT_FOUND` saying what can be had.
 */
export async function momentAt(clone: Clone, ns: string, at: string, freshness: Freshness): Promise<Moment> {
  const now = clone.clock.now();
  const wanted = parseAt(at, clone.store.objectFormat, now);
  if (wanted.kind === 'time' && wanted.ms > now) clone.onWarning?.(futureTimeText(wanted.ms));
  const newest = await momentNow(clone, ns, freshness);
  return findMoment(clone, ns, at, wanted, newest.ledger, freshness);
}

async function findMoment(
  clone: Clone,
  ns: string,
  at: string,
  wanted: Wanted,
  tip: LedgerCommit,
  freshness: Freshness,
): Promise<Moment> {
  const direct = wanted.kind === 'part' ? await inCurrentEpoch(clone, wanted.prefix, tip) : undefined;
  if (direct !== undefined) return { ledger: direct, time: timeOf(direct), by: 'oid' };
  let oldest: Found = { ledger: tip, ms: timeOf(tip) };
  for await (const end of epochsBack(clone, ns, tip, freshness)) {
    const found = await findInEpoch(clone, ns, wanted, end, freshness);
    if ('ledger' in found) return found;
    oldest = found.oldest;
  }
  const shown =
    wanted.kind === 'time'
      ? `state of namespace ${ns} at ${formatTime(wanted.ms)}`
      : `${wanted.kind === 'txn' || wanted.prefix === undefined ? 'transaction' : 'ledger commit'} ${at} in namespace ${ns}`;
  const { parentEpoch, epoch } = oldest.ledger.trailers;
  const why = freshness.offline ? 'is not in this clone' : 'can no longer be had: it was compacted away';
  const [short, time] = [oldest.ledger.oid.slice(0, 12), formatTime(oldest.ms)];
  const oldestHad = `the oldest that can be had is ${short} of ${time}`;
  throw new KvError('NOT_FOUND', `no ${shown}`, {
    hint: parentEpoch === null ? oldestHad : `${oldestHad}; the epoch before, ${parentEpoch}, ${why}`,
    ...(parentEpoch !== null && freshness.offline === true
      ? { advice: { id: 'leave-offline-out', oldest: short, time, epoch: parentEpoch } }
      : {}),
    details: { oldest: oldest.ledger.oid, time, epoch },
  });
}

/** A commit, and the time by which a search finds it, milliseconds since the epoch: the Stargate's where it is known. */
interface Found {
  readonly ledger: LedgerCommit;
  readonly ms: number;
}

/** A full commit id of the current epoch needs no walk through all commits. */
async function inCurrentEpoch(clone: Clone, prefix: string | undefined, tip: LedgerCommit): Promise<LedgerCommit | undefined> {
  if (prefix?.length !== OID_HEX_LENGTH[clone.store.objectFormat]) return undefined;
  if (!(await clone.store.isAncestor(prefix, tip.oid))) return undefined;
  return (await openAll(clone, [prefix]))[0];
}

async function findInEpoch(
  clone: Clone,
  ns: string,
  wanted: Wanted,
  end: LedgerCommit,
  freshness: Freshness,
): Promise<Moment | { readonly oldest: Found }> {
  const epochEvents = new EpochEvents(clone, ns, end.trailers.epoch, freshness);
  const matches: LedgerCommit[] = [];
  let oldest: Found = { ledger: end, ms: timeOf(end) };
  for await (const batch of commitsBack(clone, end)) {
    const events = wanted.kind === 'time' ? await epochEvents.of(batch.map(({ oid }) => oid)) : [];
    for (const [i, one] of batch.entries()) {
      const received = events[i]?.received;
      oldest = { ledger: one, ms: received === undefined ? timeOf(one) : Date.parse(received) };
      if (wanted.kind === 'txn' && one.trailers.txn === wanted.txn) return { ledger: one, time: timeOf(one), by: 'txn' };
      if (wanted.kind === 'time' && oldest.ms <= wanted.ms)
        return { ledger: one, time: wanted.ms, by: received === undefined ? 'committed' : 'received' };
      if (wanted.kind === 'part' && isMeant(wanted, one)) matches.push(one);
    }
  }
  const [only, ...others] = matches;
  if (only === undefined) return { oldest };
  const { prefix = '', suffix = '' } = wanted.kind === 'part' ? wanted : {};
  const isCommit = prefix !== '' && only.oid.startsWith(prefix);
  if (others.length === 0) return { ledger: only, time: timeOf(only), by: isCommit ? 'oid' : 'txn' };
  const { epoch } = end.trailers;
  const shown = isCommit ? `ledger commits of epoch ${epoch} begin` : `transactions of epoch ${epoch} end`;
  const names = matches.slice(0, 3).map(({ oid, trailers }) => (isCommit ? oid.slice(0, 16) : trailers.txn));
  throw new KvError('USAGE', `${matches.length} ${shown} with ${JSON.stringify(isCommit ? prefix : suffix)}`, {
    hint: `give more of it: ${names.join(', ')}`,
  });
}

function isMeant({ prefix, suffix }: Wanted & { kind: 'part' }, { oid, trailers }: LedgerCommit): boolean {
  return (prefix !== undefined && oid.startsWith(prefix)) || (suffix !== undefined && trailers.txn.endsWith(suffix));
}

/** The committer's clock, milliseconds since the epoch. */
function timeOf({ commit }: LedgerCommit): number {
  return readStamp(commit.committer).time;
}
