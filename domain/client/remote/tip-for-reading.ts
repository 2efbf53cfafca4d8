import { KvError } from '../../../ports/error.js';
import { parseDuration } from '../../../ports/grammar/duration.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { directionOf } from '../../ledger/refs.js';
import { noNamespace } from '../clone/policy/absent-namespace.js';
import type { Clone } from '../clone/clone.js';
import { tellRefusal } from '../clone/mirror-notice.js';
import { forgetOrdered, orderedWrites } from '../clone/calls/ordered-writes.js';
import { withRefView } from '../clone/ref-view.js';
import { newestTip, type ReadFrom, type Tip } from '../clone/tips.js';
import { fetchNamespace, wholeTip } from './fetch-namespace.js';
import { noRemote, notSetUp } from './no-remote.js';

/** How fresh a read must be. */
export interface Freshness {
  readonly readFrom: ReadFrom;
  /** Answer from what this clone has; fetch nothing. */
  readonly offline: boolean;
  /** What was fetched less than this ago will do, whatever `kv.maxAge` says. Milliseconds. */
  readonly maxAgeMs?: number | undefined;
}

/**
 * Fetches if the read wants it, then gives the newest tip that this clone knows; null when there is none. A read that `needs` the
 * index gets a tip with it, where the remote can give it. Throws `NOT_FOUND` when there is none and no remote to have one,
 * `CONFIG_INVALID` when `kv.remote` names no remote.
 */
export async function tipForReading(
  whole: Clone,
  ns: string,
  freshness: Freshness,
  needs: 'ledger' | 'index' = 'index',
): Promise<Tip | null> {
  if (whole.reality !== undefined) return newestTip(whole, ns);
  const { readFrom, offline } = freshness;
  const clone = withRefView(whole, ns); // one look at the refs serves the tip and the notice
  const unread = await unreadWrites(clone, ns);
  if (offline && unread.length > 0) clone.onWarning?.(`${notHere(unread)}; what is told is what was fetched before`);
  const caughtUp = !offline && unread.length > 0 && (await catchUp(clone, ns, unread));
  if (!offline && !caughtUp && (await isStale(clone, ns, freshness))) {
    const direction = directionOf(readFrom);
    if ((await clone.remotes.url(clone.remoteName, direction)) !== null) await fetchNamespace(clone, ns, readFrom);
    else if (clone.config.get('kv.remote') !== undefined && direction === 'read') throw noRemote(clone.remoteName);
    else if (readFrom === 'stargate') throw notSetUp(clone.remoteName);
  }
  const tip = offline || needs === 'ledger' ? await newestTip(clone, ns, readFrom) : await wholeTip(clone, ns, readFrom);
  if (!offline && readFrom === 'mirror') await tellRefusal(clone, ns);
  if (tip === null && clone.config.get(`remote.${clone.remoteName}.url`) === undefined) throw noNamespace(ns, clone.remoteName);
  return tip;
}

/** The commits that the Stargate has made of this clone's intents, and that the newest state that it knows does not have. */
async function unreadWrites(clone: Clone, ns: string): Promise<readonly Oid[]> {
  const { commits } = await orderedWrites(clone, ns);
  if (commits.length === 0) return [];
  const headers = await clone.store.headers(commits);
  const here = commits.filter((_, i) => headers[i]);
  const tip = here.length === 0 ? null : await newestTip(clone, ns);
  const met = tip === null ? [] : await below(clone, tip.ledger, here);
  if (met.length > 0) await forgetOrdered(clone, ns, met);
  return commits.filter((commit) => !met.includes(commit));
}

/** So many transactions are looked through at once; what lies further back is asked for one by one. */
const RECENT = 256;

/** Those of some commits that a ledger's tip has among its ancestors, or is. */
async function below({ store }: Clone, tip: Oid, commits: readonly Oid[]): Promise<Oid[]> {
  const recent = new Set<Oid>([tip]);
  if (commits.length > 1) for await (const oid of store.history({ tip, limit: RECENT })) recent.add(oid);
  const found: Oid[] = [];
  for (const commit of commits) if (recent.has(commit) || (await store.isAncestor(commit, tip))) found.push(commit);
  return found;
}

/** Fetches what this clone has written from the Stargate, which has it for certain. False, and a warning, when it can't be asked. */
async function catchUp(clone: Clone, ns: string, unread: readonly Oid[]): Promise<boolean> {
  try {
    await fetchNamespace(clone, ns, 'stargate');
  } catch (error) {
    if (!KvError.is(error) || error.code === 'INTERRUPTED') throw error;
    clone.onWarning?.(`${notHere(unread)}, and the Stargate could not be asked for it: ${error.message}`);
    return false;
  }
  await forgetOrdered(clone, ns, unread); // what it hasn't got any more, it never will have
  return true;
}

const notHere = (unread: readonly Oid[]): string => `what this clone wrote as ${unread.at(-1)} has not been read yet`;

/** `kv.maxAge` lets a script read what was fetched from the mirror less than that ago. */
async function isStale(clone: Clone, ns: string, { readFrom: from, maxAgeMs }: Freshness): Promise<boolean> {
  const configured = from === 'stargate' ? undefined : clone.config.get('kv.maxage');
  const maxAge = maxAgeMs ?? (configured === undefined ? 0 : parseAge(configured));
  if (maxAge <= 0) return true;
  const last = await clone.fetched.lastFetch(clone.remoteName, directionOf(from), ns);
  return last === null || clone.clock.now() - last > maxAge;
}

function parseAge(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new KvError('CONFIG_INVALID', `kv.maxAge is ${JSON.stringify(text)}, which is no duration`, {
    hint: 'git config kv.maxAge 30s',
  });
}
