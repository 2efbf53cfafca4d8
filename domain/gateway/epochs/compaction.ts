import type { BundleArchive } from '../../../ports/git/bundle-archive.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { RepositoryUpkeep } from '../../../ports/git/repository-upkeep.js';
import { compactedRef } from '../../ledger/refs.js';
import type { CompactReport, DroppedEpoch } from '../../admin/compact.js';
import type { RepositoryGateway } from '../gateway.js';
import { type ArchivedEpoch, dropEpoch, epochsToDrop, readEpochs } from './archived-epochs.js';

/** The steps of a compaction at which a test may stop the process. */
type CompactionFailpoint = 'compact-bundled' | 'compact-dropped';

/** What a compaction takes, and who is told. */
export interface CompactionContext {
  readonly store: GitStore;
  readonly bundles: BundleArchive;
  readonly upkeep: RepositoryUpkeep;
  readonly gateway: Pick<RepositoryGateway, 'moveOwn' | 'exclusively'>;
  /** Runs work while no push is at hand, new ones waiting; false when those at hand take too long. */
  readonly quietly: (work: () => Promise<void>) => Promise<boolean>;
  readonly failpoint: (name: CompactionFailpoint) => void;
  readonly observer: CompactionObserver;
}

/** Told as a compaction goes on. */
interface CompactionObserver {
  dropped(ns: string, epoch: DroppedEpoch): void;
  /** The pushes at hand took too long: the next compaction frees the space. */
  unreclaimed(): void;
}

interface Compaction {
  readonly ns: string;
  /** Exactly this epoch; undefined: what `keepEpochs` leaves over. */
  readonly label: string | undefined;
  /** null: all are kept. */
  readonly keepEpochs: number | null;
  /** Only say what would be done. */
  readonly dryRun: boolean;
}

/**
 * For each epoch to drop, first a proven bundle, then the refs go, through the journal and so at the mirror too; at the end the
 * objects. A crash leaves an epoch its refs, its bundle, or both. One at a time.
 * Throws `NOT_FOUND` for an epoch or namespace that is not here, `USAGE` for the current epoch, `CAS_CONFLICT` where an epoch has
 * changed or its bundle's name is taken.
 */
export async function compactNamespace(context: CompactionContext, request: Compaction): Promise<CompactReport> {
  const { store, upkeep } = context;
  const { ns, label, keepEpochs, dryRun } = request;
  const epochs = await readEpochs(store, ns);
  if (label !== undefined && !epochs.archived.some((epoch) => epoch.label === label)) await checkCompacted(context, ns, label);
  const chosen = epochsToDrop(epochs, { ns, label, keepEpochs });
  const kept = epochs.archived.filter((epoch) => !chosen.includes(epoch)).map((epoch) => epoch.label);
  const common = { ns, current: epochs.current, keep_epochs: keepEpochs, kept, dry_run: dryRun };
  if (dryRun) return { ...common, ...(await estimate(context, chosen)) };
  const before = await upkeep.objectBytes();
  const dropped: DroppedEpoch[] = [];
  for (const epoch of chosen) dropped.push(await dropOne(context, ns, epoch));
  const reclaimed = await reclaim(context);
  const after = await upkeep.objectBytes();
  return {
    ...common,
    epochs: dropped,
    bytes_before: before,
    bytes_after: after,
    bytes_freed: Math.max(0, before - after),
    reclaimed,
  };
}

/** A bundle is named after the epoch that it holds. */
const bundleName = (ns: string, epoch: string): string => `${ns}@${epoch}`;

async function dropOne(context: CompactionContext, ns: string, epoch: ArchivedEpoch): Promise<DroppedEpoch> {
  const { store, bundles, upkeep, gateway, failpoint, observer } = context;
  const name = bundleName(ns, epoch.label);
  const bytes = await bundles.write(name, store.objectFormat, epoch.refs);
  failpoint('compact-bundled');
  await upkeep.noteUnreachable();
  await gateway.moveOwn((own) => dropEpoch(own, ns, epoch));
  failpoint('compact-dropped');
  const dropped = { epoch: epoch.label, refs: [...epoch.refs.keys()], bundle: bundles.place(name), bundle_bytes: bytes };
  observer.dropped(ns, dropped);
  return dropped;
}

/** Frees what no ref reaches, when an epoch was dropped since that was last done. */
async function reclaim({ upkeep, gateway, quietly, observer }: CompactionContext): Promise<boolean> {
  if (!(await upkeep.hasUnreachable())) return true;
  const done = await quietly(() => gateway.exclusively(() => upkeep.dropUnreachable()));
  if (!done) observer.unreclaimed();
  return done;
}

async function estimate(
  { store, upkeep }: CompactionContext,
  chosen: readonly ArchivedEpoch[],
): Promise<Pick<CompactReport, 'epochs' | 'bytes_before' | 'bytes_after' | 'bytes_freed' | 'reclaimed'>> {
  const gone = new Set(chosen.flatMap(({ refs }) => [...refs.keys()]));
  const all = await store.refs(['refs/']);
  const staying = [...all].filter(([ref]) => !gone.has(ref)).map(([, oid]) => oid);
  const [before, after] = [await upkeep.reachableBytes(all.values()), await upkeep.reachableBytes(staying)];
  const epochs: DroppedEpoch[] = [];
  for (const { label, refs } of chosen) {
    const bytes = await upkeep.reachableBytes(refs.values());
    epochs.push({ epoch: label, refs: [...refs.keys()], bundle: null, bundle_bytes: bytes });
  }
  return { epochs, bytes_before: before, bytes_after: after, bytes_freed: before - after, reclaimed: false };
}

/** Says so when the epoch was here once. */
async function checkCompacted({ store, bundles }: CompactionContext, ns: string, label: string): Promise<void> {
  const name = bundleName(ns, label);
  const [isThere, traces] = [await bundles.has(name), await store.refs([compactedRef(ns, label)])];
  if (!isThere && traces.size === 0) return;
  throw new KvError('NOT_FOUND', `epoch ${label} of namespace ${ns} was compacted already`, {
    hint: `its bundle ${isThere ? 'is' : 'was'} ${bundles.place(name)} on the Stargate: git fetch that file 'refs/*:refs/*' brings it back into a clone`,
  });
}
