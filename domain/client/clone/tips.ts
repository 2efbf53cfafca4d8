import { KvError } from '../../../ports/error.js';
import type { CloneConfig } from '../../../ports/clone/clone-config.js';
import type { FetchRequest } from '../../../ports/git/git-remote.js';
import { parseDuration } from '../../../ports/grammar/duration.js';
import type { GitObject, Oid, RefName } from '../../../ports/vocabulary.js';
import { type LedgerTrailers, parseLedgerMessage } from '../../ledger/transaction/attestation.js';
import { type Commit, decodeCommit, readStamp } from '../../git/commit.js';
import {
  archiveRef,
  directionOf,
  epochRef,
  indexRef,
  ledgerRef,
  POLICY_REF,
  type Source,
  trackingRef,
  trackingRequest,
} from '../../ledger/refs.js';
import type { Clone } from './clone.js';
import { type ForeignTip, foreignTip } from './foreign-tip.js';
import { tellRefusal } from './mirror-notice.js';
import { forgetOrdered, orderedWrites } from './ordered-writes.js';
import { withRefView } from './ref-view.js';

/** A namespace's state in this clone: the ledger's tip, the index that belongs to it, and where it was learnt. */
export interface Tip {
  readonly ns: string;
  readonly ledger: Oid;
  readonly commit: Commit;
  readonly trailers: LedgerTrailers;
  /** The index commit whose tree the ledger commit attests; null when this clone hasn't got it. */
  readonly index: Oid | null;
  readonly from: 'local' | Source;
  /** What the mirror shows instead of a ledger commit, where this tip was taken in spite of it. */
  readonly passedOver?: ForeignTip | undefined;
}

/** The side that is fetched from before reading. */
export type ReadFrom = 'mirror' | 'stargate';

/** How fresh a read must be. */
export interface Freshness {
  readonly readFrom: ReadFrom;
  /** Answer from what this clone has; fetch nothing. */
  readonly offline: boolean;
  /** What was fetched less than this ago will do, whatever `kv.maxAge` says. Milliseconds. */
  readonly maxAgeMs?: number | undefined;
}

const SOURCES: readonly Source[] = ['mirror', 'stargate'];

/** Brings a namespace's refs, and the published policy, from one side. */
export async function fetchNamespace(clone: Clone, ns: string, source: Source): Promise<void> {
  const direction = directionOf(source);
  const refs = [ledgerRef(ns), indexRef(ns), epochRef(ns), POLICY_REF];
  const requests: FetchRequest[] = refs.map((ref) => trackingRequest(source, ref));
  const epoch = await fetchedEpoch(clone, ns, source);
  if (epoch !== null) requests.push(archiveRequest(source, ns, epoch));
  await clone.remotes.fetch(clone.remoteName, direction, requests, { onProgress: clone.onProgress });
  await clone.fetched.markFetched(clone.remoteName, direction, ns, clone.clock.now());
}

/**
 * Asks for the archive of the epoch that this clone is in, in case that a new one has begun: the archive's commit stands between the two,
 * so that git sees what they share. Without it, all of the live data would come anew.
 */
export function archiveRequest(source: Source, ns: string, epoch: string): FetchRequest {
  const ref = archiveRef(ns, epoch);
  return { ...trackingRequest(source, ref), seldom: true };
}

/** The epoch of the ledger that was last fetched from one side; null when there was none, or it can't be read. */
async function fetchedEpoch(clone: Clone, ns: string, source: Source): Promise<string | null> {
  const ref = trackingRef(source, ledgerRef(ns));
  const oid = (await clone.store.refs([ref])).get(ref);
  if (oid === undefined) return null;
  try {
    const [tip] = await readLedgerCommits(clone, [oid]);
    return tip?.trailers.epoch ?? null;
  } catch (error) {
    if (KvError.is(error)) return null; // the fetch may put it right
    throw error;
  }
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

/** The newest tips that were found last, by the clone's configuration, which all views of a clone share, and by namespace and side. */
const found = new WeakMap<CloneConfig, Map<string, { readonly refs: string; readonly tip: Tip }>>();
/** Of more namespaces, all are forgotten. */
const MOST_FOUND = 64;

interface Candidate {
  readonly ledger: LedgerCommit;
  readonly index: Oid | undefined;
  readonly from: 'local' | Source;
}

/**
 * The newest of what this clone fetched and what it wrote; null when it knows nothing of the namespace. What the mirror shows that is no
 * ledger commit is passed over, unless it is the mirror that is read. Throws `ATTESTATION_MISMATCH` naming such a tip on the side that
 * counts, or in this clone.
 */
export async function newestTip(clone: Clone, ns: string, side: ReadFrom = 'stargate'): Promise<Tip | null> {
  const places: [RefName, RefName, 'local' | Source][] = SOURCES.map((source) => [
    trackingRef(source, ledgerRef(ns)),
    trackingRef(source, indexRef(ns)),
    source,
  ]);
  places.push([ledgerRef(ns), indexRef(ns), 'local']); // last: a ledger of this clone's own counts only where it goes on from the others
  const refs = await clone.store.refs(places.flatMap(([ledger, index]) => [ledger, index] as const));
  const here = places.flatMap(([ref, indexName, from]) => {
    const oid = refs.get(ref);
    return oid === undefined ? [] : [{ oid, ref, from, index: refs.get(indexName) }];
  });
  // A program that reads for long finds the same refs again and again, and ids name the same objects for ever.
  const what = `${ns} ${side}`;
  const shown = here.map(({ ref, oid, index }) => `${ref} ${oid} ${index}`).join();
  const known = found.get(clone.config) ?? new Map<string, { readonly refs: string; readonly tip: Tip }>();
  const last = known.get(what);
  if (last?.refs === shown) return last.tip;
  const objects = here.length === 0 ? [] : await clone.store.read(here.map(({ oid }) => oid));
  let best: Candidate | undefined;
  let passedOver: ForeignTip | undefined;
  for (const [i, { oid, ref, from, index }] of here.entries()) {
    const ledger = openTip(clone, ns, oid, objects[i] ?? null);
    if (typeof ledger === 'string') {
      const foreign: ForeignTip = { from, ref: ledgerRef(ns), oid, why: ledger };
      if (from === 'local' || from === side) throw foreignTip(foreign, ref);
      if (from === 'mirror') passedOver = foreign;
      continue;
    }
    const candidate: Candidate = { ledger, index, from };
    if (best === undefined || (best.ledger.oid !== oid && (await goesOn(clone, best, candidate)))) best = candidate;
  }
  if (best === undefined) return null;
  const { oid: ledger, commit, trailers } = best.ledger;
  const indexes = [...new Set([best.index, ...here.map(({ index }) => index)].filter((oid) => oid !== undefined))];
  const index = await findIndex(clone, indexes, trailers.indexTree);
  const tip: Tip = { ns, ledger, commit, trailers, index, from: best.from, ...(passedOver === undefined ? {} : { passedOver }) };
  if (index === null || passedOver !== undefined) return tip; // a fetch may put it right
  if (known.size >= MOST_FOUND) known.clear();
  found.set(clone.config, known.set(what, { refs: shown, tip }));
  return tip;
}

/** A namespace's ledger commit, opened, or why it is none. Throws `GIT_ERROR` when it is missing. */
export function openTip(clone: Clone, ns: string, oid: Oid, object: GitObject | null): LedgerCommit | string {
  if (object === null) throw new KvError('GIT_ERROR', `ledger commit ${oid} is missing`, { hint: 'run git fsck in this clone' });
  if (object.type !== 'commit') return `it is a ${object.type}`;
  try {
    const commit = decodeCommit(object.body, oid, clone.store.objectFormat);
    const trailers = parseLedgerMessage(commit.message, oid);
    return trailers.ns === ns ? { oid, commit, trailers } : `it belongs to the ledger of namespace ${trailers.ns}`;
  } catch (error) {
    if (KvError.is(error)) return error.message.replace(`commit ${oid}: `, ''); // no commit of ours, which is what was asked
    throw error;
  }
}

/** Whether a candidate is newer than the best so far: it follows from it, or is of a later epoch, which follows from nothing. */
async function goesOn(clone: Clone, best: Candidate, candidate: Candidate): Promise<boolean> {
  const [old, next] = [best.ledger, candidate.ledger];
  if (await clone.store.isAncestor(old.oid, next.oid)) return true;
  if (old.trailers.epoch === next.trailers.epoch) return false;
  if (next.trailers.parentEpoch === old.trailers.epoch) return true;
  // More than one epoch lies between them. Only what came from a remote is trusted to be the same ledger at all.
  return (
    candidate.from !== 'local' &&
    old.trailers.parentEpoch !== next.trailers.epoch &&
    readStamp(next.commit.committer).time > readStamp(old.commit.committer).time
  );
}

/** A ledger commit, opened. */
export interface LedgerCommit {
  readonly oid: Oid;
  readonly commit: Commit;
  readonly trailers: LedgerTrailers;
}

/** Opens ledger commits; undefined for one that this clone hasn't got. */
export async function readLedgerCommits(clone: Clone, oids: readonly Oid[]): Promise<(LedgerCommit | undefined)[]> {
  const objects = await clone.store.read(oids);
  return oids.map((oid, i) => {
    const object = objects[i];
    if (!object) return undefined;
    const commit = decodeCommit(object.body, oid, clone.store.objectFormat);
    return { oid, commit, trailers: parseLedgerMessage(commit.message, oid) };
  });
}

/** A host that shows half of a transaction shows all of it a moment later. */
const MAX_FETCHES = 5;
const FIRST_PAUSE_MS = 10;

/**
 * The newest tip, with its index. A host's list of refs is no snapshot: it may show the ledger of one transaction and the index of the
 * one before. Such a pair, fetched now or left by an earlier command, is fetched again; after a few times the tip is given as it is,
 * its `index` null.
 */
export async function wholeTip(clone: Clone, ns: string, source: Source): Promise<Tip | null> {
  for (let fetches = 0; ; fetches++) {
    const tip = await newestTip(clone, ns, source);
    if (tip === null || tip.index !== null || fetches === MAX_FETCHES) return tip;
    if ((await clone.remotes.url(clone.remoteName, directionOf(source))) === null) return tip;
    if (fetches > 0) await clone.clock.sleep(FIRST_PAUSE_MS * 2 ** fetches);
    await fetchNamespace(clone, ns, source);
  }
}

/** How far an index may have run ahead of its ledger, transactions: between two reads of one list of refs there are few. */
const AHEAD = 16;

/** The index commit with this tree: one of the tips, or, where the index was read after the ledger had moved on, one behind them. */
async function findIndex(clone: Clone, tips: readonly Oid[], tree: Oid): Promise<Oid | null> {
  let oids = tips;
  for (let behind = 0; oids.length > 0 && behind <= AHEAD; behind++) {
    const found = await clone.store.read(oids);
    const commits = oids.flatMap((oid, i) => {
      const object = found[i];
      return object ? [{ oid, ...decodeCommit(object.body, oid, clone.store.objectFormat) }] : [];
    });
    const match = commits.find((commit) => commit.tree === tree);
    if (match !== undefined) return match.oid;
    oids = [...new Set(commits.flatMap(({ parents }) => parents))];
  }
  return null;
}

/** `CONFIG_INVALID` for a remote whose push URL leads to no Stargate. */
export function notSetUp(remote: string): KvError {
  return new KvError('CONFIG_INVALID', `remote ${remote} has no push URL that leads to a Stargate`, {
    hint: 'set the remote up first',
    advice: { id: 'set-up-remote' },
  });
}

/** `CONFIG_INVALID` for a remote that is not configured. */
export function noRemote(remote: string): KvError {
  return new KvError('CONFIG_INVALID', `this repository has no remote ${remote}`, {
    hint: `add the mirror first: git remote add ${remote} URL`,
  });
}

/** `GIT_ERROR` for a ledger commit whose index neither this clone nor, by its list of refs, the other side has. */
export function noIndex(ledger: Oid): KvError {
  return new KvError('GIT_ERROR', `this clone has ledger commit ${ledger} but not its index`, {
    hint: 'read from the Stargate once, which fetches it',
    advice: { id: 'fetch-index' },
  });
}

/** `missing` is the remote that this clone has not got. */
export function noNamespace(ns: string, missing?: string): KvError {
  return new KvError('NOT_FOUND', `namespace ${ns} has no ledger here${missing === undefined ? ' or at the mirror' : ''}`, {
    ...(missing === undefined
      ? { hint: 'the first write creates it', advice: { id: 'write-first', ns } }
      : {
          hint: `this clone has no remote: git remote add ${missing} URL, and set it up; the first write begins without one`,
          advice: { id: 'begin-namespace', ns, remote: missing },
        }),
  });
}
