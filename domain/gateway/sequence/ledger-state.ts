import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';
import { type Commit, decodeCommit, readStamp } from '../../git/commit.js';
import { parseLedgerMessage } from '../../ledger/transaction/attestation.js';
import { chunksRef, epochRef, indexRef, intentsRef, ledgerRef, watchlogRef } from '../../ledger/refs.js';
import type { Base, TreeTip } from '../../ledger/transaction/transaction.js';
import { firstEpochLabel } from '../../ledger/first-label.js';

/** Where a namespace stands while intents are ordered onto it. */
export interface LedgerState {
  readonly ns: string;
  readonly base: Base;
  /** The tip of the chain that keeps the epoch's intents; null: there is none yet. */
  readonly intents: Oid | null;
  /** The tip of the epoch's watchlog; null: there is none yet. */
  readonly watchlog: Oid | null;
  /** The first ledger commit of the epoch; null: the namespace is new. */
  readonly first: Oid | null;
  /** When the epoch began, where another was before it; else null. Milliseconds. */
  readonly since: number | null;
}

/** Reads where a namespace stands; `now` (ms) names the epoch of a new one. */
export async function readLedgerState(store: GitStore, ns: string, now: number): Promise<LedgerState> {
  const refs = await store.refs([ledgerRef(ns), indexRef(ns), epochRef(ns)]);
  const [ledger, index, first] = [refs.get(ledgerRef(ns)), refs.get(indexRef(ns)), refs.get(epochRef(ns)) ?? null];
  if (ledger === undefined || index === undefined) {
    const epoch = firstEpochLabel(now);
    return {
      ns,
      base: { ledger: null, index: null, chunks: null, epoch, parentEpoch: null },
      intents: null,
      watchlog: null,
      first: null,
      since: null,
    };
  }
  const commit = await commitAt(store, ledger);
  const { epoch, parentEpoch, indexTree } = parseLedgerMessage(commit.message, ledger);
  const more = await store.refs([chunksRef(ns, epoch), intentsRef(ns, epoch), watchlogRef(ns, epoch)]);
  const chunks = more.get(chunksRef(ns, epoch));
  const base: Base = {
    ledger: { commit: ledger, tree: commit.tree },
    index: { commit: index, tree: indexTree },
    chunks: chunks === undefined ? null : { commit: chunks, tree: (await commitAt(store, chunks)).tree },
    ...{ epoch, parentEpoch },
  };
  const since = parentEpoch === null || first === null ? null : readStamp((await commitAt(store, first)).committer).time;
  return {
    ns,
    base,
    intents: more.get(intentsRef(ns, epoch)) ?? null,
    watchlog: more.get(watchlogRef(ns, epoch)) ?? null,
    first,
    since,
  };
}

/** The moves of refs from one state to another of the same epoch. */
export function movesBetween(before: LedgerState, after: LedgerState): RefUpdate[] {
  const { ns } = after;
  const { epoch } = after.base;
  const tip = (at: TreeTip | null): Oid | null => at?.commit ?? null;
  const move = (ref: RefName, old: Oid | null, next: Oid | null): RefUpdate[] => (old === next ? [] : [{ ref, old, next }]);
  return [
    ...move(ledgerRef(ns), tip(before.base.ledger), tip(after.base.ledger)),
    ...move(indexRef(ns), tip(before.base.index), tip(after.base.index)),
    ...move(chunksRef(ns, epoch), tip(before.base.chunks), tip(after.base.chunks)),
    ...move(epochRef(ns), before.first, after.first),
    ...move(intentsRef(ns, epoch), before.intents, after.intents),
    ...move(watchlogRef(ns, epoch), before.watchlog, after.watchlog),
  ];
}

async function commitAt(store: Pick<GitStore, 'read' | 'objectFormat'>, oid: Oid): Promise<Commit> {
  const [object] = await store.read([oid]);
  if (object?.type === 'commit') return decodeCommit(object.body, oid, store.objectFormat);
  throw new KvError('GIT_ERROR', `commit ${oid} is missing`, { hint: 'run git fsck in this repository' });
}
