import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';
import { parseLedgerMessage } from '../../ledger/transaction/attestation.js';
import { decodeCommit, readStamp } from '../../git/commit.js';
import { compactedCommit, type CompactedEpoch } from '../../ledger/compacted.js';
import { formatTime } from '../../ledger/value/metadata.js';
import { archiveRef, chunksRef, classifyRef, compactedRef, intentsRef, ledgerRef, watchlogRef } from '../../ledger/refs.js';
import type { CommitContext } from '../commit/commit-refs.js';

/** An epoch that has ended and is still here. */
export interface ArchivedEpoch {
  readonly label: string;
  /** The refs that keep it, each with where it is: archive, chunks and intents (if it had any), watchlog. */
  readonly refs: ReadonlyMap<RefName, Oid>;
}

interface Epochs {
  readonly current: string;
  /** Newest first. */
  readonly archived: readonly ArchivedEpoch[];
}

interface Archive {
  readonly label: string;
  /** The label of the epoch before it, or null. */
  readonly parent: string | null;
  /** When it ended, by the word of the admin who ended it; milliseconds since the epoch. */
  readonly ended: number;
}

/** The epochs of a namespace, by what their own commits say of each other. Throws `NOT_FOUND` when there is no such namespace. */
export async function readEpochs(store: GitStore, ns: string): Promise<Epochs> {
  const refs = await store.refs([ledgerRef(ns), 'refs/kv-archive/', 'refs/kv-chunks/', 'refs/kv-watchlog/', 'refs/kv-intents/']);
  const tip = refs.get(ledgerRef(ns));
  if (tip === undefined) {
    throw new KvError('NOT_FOUND', `there is no namespace ${ns} on this Stargate`, {
      hint: 'the status of the Stargate names its namespaces',
      advice: { id: 'see-namespaces' },
    });
  }
  const { epoch: current, parentEpoch } = await trailersOf(store, tip);
  const archives = new Map<string, Archive>();
  for (const [ref, oid] of refs) {
    const found = classifyRef(ref);
    if (found.kind !== 'archive' || found.ns !== ns || found.epoch === null) continue;
    const { parents, committer } = await commitAt(store, oid);
    const last = await trailersOf(store, parents[0] as Oid);
    archives.set(found.epoch, {
      label: found.epoch,
      parent: last.parentEpoch,
      ended: readStamp(committer).time,
    });
  }
  const archived = inOrder(archives, parentEpoch).map((label) => {
    const own = [archiveRef(ns, label), chunksRef(ns, label), watchlogRef(ns, label), intentsRef(ns, label)];
    return { label, refs: new Map(own.flatMap((ref) => (refs.has(ref) ? [[ref, refs.get(ref) as Oid] as const] : []))) };
  });
  return { current, archived };
}

/** Newest first: each epoch names the one before it. Behind a gap, which an epoch leaves that was dropped, goes on what ended last. */
function inOrder(archives: ReadonlyMap<string, Archive>, newest: string | null): string[] {
  const left = new Map(archives);
  const order: string[] = [];
  let label = newest;
  while (left.size > 0) {
    const next = left.get(label ?? '') ?? [...left.values()].sort((a, b) => b.ended - a.ended)[0];
    if (next === undefined) break;
    left.delete(next.label);
    order.push(next.label);
    label = next.parent;
  }
  return order;
}

interface CompactRequest {
  readonly ns: string;
  /** Exactly this epoch; undefined: what the policy's `keep_epochs` leaves over. */
  readonly label: string | undefined;
  /** null: all are kept. */
  readonly keepEpochs: number | null;
}

/** Which epochs to drop, oldest first. Never the current one. Throws `USAGE` when that is asked for, `NOT_FOUND` for an unknown label. */
export function epochsToDrop({ current, archived }: Epochs, { ns, label, keepEpochs }: CompactRequest): readonly ArchivedEpoch[] {
  if (label === undefined) return keepEpochs === null ? [] : archived.slice(keepEpochs).reverse();
  if (label === current) {
    throw new KvError(
      'USAGE',
      `epoch ${label} is the current one of namespace ${ns}, and only archived epochs can be compacted`,
      {
        hint: 'begin a new epoch first',
        advice: { id: 'begin-epoch-first' },
      },
    );
  }
  const found = archived.find((epoch) => epoch.label === label);
  if (found !== undefined) return [found];
  throw new KvError('NOT_FOUND', `namespace ${ns} has no archived epoch ${JSON.stringify(label)}`, {
    hint:
      archived.length === 0
        ? 'it has no archived epoch at all'
        : `it has these: ${archived.map((epoch) => epoch.label).join(' ')}`,
  });
}

/**
 * The moves that drop an epoch, and leave a trace of its label.
 * Throws `CAS_CONFLICT` when one of its refs is not where it was when it was bundled.
 */
export async function dropEpoch(context: TraceContext, ns: string, epoch: ArchivedEpoch): Promise<RefUpdate[]> {
  const { store, clock } = context;
  const { current, archived } = await readEpochs(store, ns);
  const standing = archived.find(({ label }) => label === epoch.label);
  const same = standing !== undefined && current !== epoch.label && standing.refs.size === epoch.refs.size;
  if (!same || [...epoch.refs].some(([ref, oid]) => standing.refs.get(ref) !== oid)) {
    throw new KvError('CAS_CONFLICT', `epoch ${epoch.label} of namespace ${ns} has changed while it was bundled`, {
      hint: 'compact again',
      advice: { id: 'compact-again' },
    });
  }
  const archive = epoch.refs.get(archiveRef(ns, epoch.label)) as Oid;
  const trace = await traceEpoch(context, { v: 1, ns, epoch: epoch.label, archive, compacted: formatTime(clock.now()) });
  return [...[...epoch.refs].map(([ref, old]) => ({ ref, old, next: null })), ...trace];
}

type TraceContext = Pick<CommitContext, 'store' | 'namer' | 'clock'>;

/** The move that says an epoch was compacted away; none when that is said already. */
export async function traceEpoch(
  { store, namer }: Pick<CommitContext, 'store' | 'namer'>,
  record: CompactedEpoch,
): Promise<RefUpdate[]> {
  const ref = compactedRef(record.ns, record.epoch);
  if ((await store.refs([ref])).has(ref)) return [];
  const commit = compactedCommit(namer, record);
  await store.write([commit]);
  return [{ ref, old: null, next: commit.oid }];
}

async function commitAt(store: GitStore, oid: Oid): Promise<ReturnType<typeof decodeCommit>> {
  const [object] = await store.read([oid]);
  if (object?.type === 'commit') return decodeCommit(object.body, oid, store.objectFormat);
  throw new KvError('GIT_ERROR', `commit ${oid} is missing from the Stargate's repository`, { hint: 'run git fsck there' });
}

async function trailersOf(store: GitStore, ledger: Oid): Promise<ReturnType<typeof parseLedgerMessage>> {
  return parseLedgerMessage((await commitAt(store, ledger)).message, ledger);
}
