import { checkLimits } from '../../../domain/gateway/limits/check-limits.js';
import { USUAL_LIMITS } from '../../../ports/stargate/limits.js';
import { boundedStore } from '../../../domain/gateway/accept/bounded-store.js';
import { decodeCommit } from '../../../domain/git/commit.js';
import { parseLedgerMessage } from '../../../domain/ledger/transaction/attestation.js';
import { isUlid } from '../../../domain/ledger/ulid.js';
import type { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefUpdate, WatchEvent } from '../../../ports/vocabulary.js';
import type { ExecSession } from '../exec-session.js';
import type { Log } from '../log/log.js';

/** A transaction of a push: of an accepted one as it was checked, of a refused one as the push itself says. */
export type PushedTransaction = Pick<WatchEvent, 'ns' | 'txn' | 'set' | 'del'> & { readonly signer?: string };

/** What a line of the log tells of a push besides whose it was. */
export interface PushFacts {
  readonly commands: readonly RefUpdate[];
  readonly transactions: readonly PushedTransaction[];
  /** What the client sent. */
  readonly bytes: number;
  /** From the command to now, and the part of it that validation and commit took. */
  readonly ms: number;
  readonly gatewayMs: number;
}

const LEDGER = 'refs/kv/';
/** So many transactions of a refused push are looked at; a log line needs no more. */
const MAX_LOOKED_AT = 20;

/** Writes the one line of an accepted push. */
export function logAccepted(log: Log, session: ExecSession, facts: PushFacts): void {
  const signers = new Set(facts.transactions.flatMap(({ signer }) => signer ?? []));
  log.info('push.accepted', { ...fieldsOf(session, facts), signers: [...signers], code: 'OK' });
}

/** Writes the one line of a refused push; `facts` are those that were known by then. */
export function logRefused(log: Log, session: ExecSession, { code, message }: KvError, facts: PushFacts): void {
  log.warn('push.refused', { ...fieldsOf(session, facts), code, message });
}

/** Writes the line of a push that had nothing to bring. */
export function logEmpty(log: Log, { request, pusher, fingerprint, remote }: ExecSession): void {
  log.info('push.empty', { request, pusher: pusher.name, fingerprint, remote });
}

function fieldsOf({ request, pusher, fingerprint, remote, trace }: ExecSession, facts: PushFacts) {
  const { commands, transactions, bytes, ms, gatewayMs } = facts;
  const refs = commands.map(({ ref }) => ref);
  const named = refs.filter((ref) => ref.startsWith(LEDGER)).map((ref) => ref.slice(LEDGER.length));
  const count = (of: 'set' | 'del'): number => transactions.reduce((sum, one) => sum + one[of], 0);
  return {
    ...{ request, pusher: pusher.name, fingerprint, remote },
    ns: [...new Set([...named, ...transactions.map(({ ns }) => ns)])],
    txns: transactions.map(({ txn }) => txn),
    ...(transactions.length === 0 ? {} : { set: count('set'), del: count('del') }),
    refs: refs.filter((ref) => !ref.startsWith('refs/kv')),
    ...{ bytes, ms: Math.round(ms), gateway_ms: Math.round(gatewayMs), trace: trace?.id },
  };
}

/** What the ledger commits of a push say of themselves, in their trailers; nothing of what can't be read. Never throws. */
export async function claimedTransactions(store: GitStore, commands: readonly RefUpdate[]): Promise<PushedTransaction[]> {
  const bounded = boundedStore(store, checkLimits(USUAL_LIMITS).objects, { charge: () => undefined });
  const found: PushedTransaction[] = [];
  for (const { ref, old, next } of commands) {
    if (!ref.startsWith(LEDGER)) continue;
    for (let at: Oid | null = next; at !== null && at !== old && found.length < MAX_LOOKED_AT; ) {
      const one = await claimed(bounded, ref.slice(LEDGER.length), at).catch(() => null); // it was refused for less
      if (one === null) break;
      found.unshift(one.transaction);
      at = one.parent;
    }
  }
  return found;
}

async function claimed(
  store: GitStore,
  ns: string,
  oid: Oid,
): Promise<{ readonly transaction: PushedTransaction; readonly parent: Oid | null } | null> {
  const [object] = await store.read([oid]);
  if (object?.type !== 'commit') return null;
  const commit = decodeCommit(object.body, oid, store.objectFormat);
  const { txn, keysSet: set, keysDel: del } = parseLedgerMessage(commit.message, oid);
  if (!isUlid(txn)) return null;
  return { transaction: { ns, txn, set, del }, parent: commit.parents[0] ?? null };
}
