import { KvError } from '../../../ports/error.js';
import type { CloneConfig } from '../../../ports/clone/clone-config.js';
import type { GitObject, Oid, RefName } from '../../../ports/vocabulary.js';
import { type LedgerTrailers, parseLedgerMessage } from '../../ledger/transaction/attestation.js';
import { type Commit, decodeCommit, readStamp } from '../../git/commit.js';
import { indexRef, ledgerRef, type Source, trackingRef } from '../../ledger/refs.js';
import type { Clone } from './clone.js';
import { type ForeignTip, foreignTip } from './foreign-tip.js';

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

const SOURCES: readonly Source[] = ['mirror', 'stargate'];

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

/** `GIT_ERROR` for a ledger commit whose index neither this clone nor, by its list of refs, the other side has. */
export function noIndex(ledger: Oid): KvError {
  return new KvError('GIT_ERROR', `this clone has ledger commit ${ledger} but not its index`, {
    hint: 'read from the Stargate once, which fetches it',
    advice: { id: 'fetch-index' },
  });
}
