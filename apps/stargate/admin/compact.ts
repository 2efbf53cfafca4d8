import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COMPACT, type CompactArguments, type CompactReport, type DroppedEpoch } from '../../../domain/admin/compact.js';
import { type ArchivedEpoch, dropEpoch, epochsToDrop, readEpochs } from '../../../domain/gateway/epochs/compact.js';
import type { RepositoryGateway } from '../../../domain/gateway/gateway.js';
import { Mutex } from '../../../domain/gateway/commit/mutex.js';
import { compactedRef } from '../../../domain/ledger/refs.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { Policy } from '../../../ports/policy-reader.js';
import { type AdminVerb, served } from './serve-admin.js';
import { archivesFolder, bundlePath, exists, writeBundle } from '../repository/epoch-bundle.js';
import { failpoint } from '../failpoint.js';
import type { Log } from '../log.js';
import { dropUnreachable, objectBytes, reachableBytes } from '../repository/reclaim.js';

export interface CompactSources {
  readonly gitDir: string;
  readonly store: GitStore;
  readonly policy: () => Policy;
  /** Throws `NOT_LEADER` where this Stargate may not move refs. */
  readonly gateway: () => Promise<RepositoryGateway>;
  /** Runs work while no push is at hand, new ones waiting; false when those at hand take too long. */
  readonly quietly: (work: () => Promise<void>) => Promise<boolean>;
  readonly log: Log;
}

/**
 * `compact NS [--epoch LABEL] [--dry-run]`: for each epoch to drop, first a proven bundle on disk, then the refs go, through the
 * journal and so at the mirror too; at the end the objects. A crash leaves an epoch its refs, its bundle, or both.
 */
export function compactVerb(sources: CompactSources): AdminVerb {
  const oneAtATime = new Mutex();
  return served(COMPACT, async (args) => {
    const release = await oneAtATime.acquire();
    try {
      return await compact(sources, args);
    } finally {
      release();
    }
  });
}

async function compact(sources: CompactSources, { ns, label, dryRun }: CompactArguments): Promise<CompactReport> {
  const { gitDir, store } = sources;
  const gateway = await sources.gateway();
  const keepEpochs = sources.policy().namespaces.get(ns)?.retention.keepEpochs ?? null;
  const epochs = await readEpochs(store, ns);
  if (label !== undefined && !epochs.archived.some((epoch) => epoch.label === label)) await checkCompacted(sources, ns, label);
  const chosen = epochsToDrop(epochs, { ns, label, keepEpochs });
  const kept = epochs.archived.filter((epoch) => !chosen.includes(epoch)).map((epoch) => epoch.label);
  const common = { ns, current: epochs.current, keep_epochs: keepEpochs, kept, dry_run: dryRun };
  if (dryRun) return { ...common, ...(await estimate(sources, chosen)) };
  const before = await objectBytes(gitDir);
  const dropped = [];
  for (const epoch of chosen) dropped.push(await dropOne(sources, gateway, ns, epoch));
  const reclaimed = await reclaim(sources, gateway);
  const after = await objectBytes(gitDir);
  return {
    ...common,
    epochs: dropped,
    bytes_before: before,
    bytes_after: after,
    bytes_freed: Math.max(0, before - after),
    reclaimed,
  };
}

async function dropOne(
  { gitDir, store, log }: CompactSources,
  gateway: RepositoryGateway,
  ns: string,
  epoch: ArchivedEpoch,
): Promise<DroppedEpoch> {
  const bundle = bundlePath(gitDir, ns, epoch.label);
  const bytes = await writeBundle(gitDir, store.objectFormat, bundle, epoch.refs);
  failpoint('compact-bundled');
  await writeFile(unreclaimed(gitDir), '');
  await gateway.moveOwn((context) => dropEpoch(context, ns, epoch));
  failpoint('compact-dropped');
  log.info('epoch.compacted', { ns, epoch: epoch.label, bundle, bytes });
  return { epoch: epoch.label, refs: [...epoch.refs.keys()], bundle, bundle_bytes: bytes };
}

/** Frees what no ref reaches, when an epoch was dropped since that was last done. */
async function reclaim({ gitDir, quietly, log }: CompactSources, gateway: RepositoryGateway): Promise<boolean> {
  if (!(await exists(unreclaimed(gitDir)))) return true;
  const done = await quietly(() =>
    gateway.exclusively(async () => {
      await dropUnreachable(gitDir);
      await rm(unreclaimed(gitDir), { force: true });
    }),
  );
  if (!done) log.warn('epoch.unreclaimed', { message: 'pushes are at hand; the next compact frees the space' });
  return done;
}

/** There since the refs of an epoch were dropped, and until its objects are. */
const unreclaimed = (gitDir: string): string => join(archivesFolder(gitDir), 'unreclaimed');

type Estimate = Omit<CompactReport, 'ns' | 'current' | 'keep_epochs' | 'kept' | 'dry_run'>;

async function estimate({ gitDir, store }: CompactSources, chosen: readonly ArchivedEpoch[]): Promise<Estimate> {
  const gone = new Set(chosen.flatMap(({ refs }) => [...refs.keys()]));
  const all = await store.refs(['refs/']);
  const staying = [...all].filter(([ref]) => !gone.has(ref)).map(([, oid]) => oid);
  const [before, after] = [await reachableBytes(gitDir, all.values()), await reachableBytes(gitDir, staying)];
  const epochs = [];
  for (const { label, refs } of chosen) {
    epochs.push({
      epoch: label,
      refs: [...refs.keys()],
      bundle: null,
      bundle_bytes: await reachableBytes(gitDir, refs.values()),
    });
  }
  return { epochs, bytes_before: before, bytes_after: after, bytes_freed: before - after, reclaimed: false };
}

/** Says so when the epoch was here once. */
async function checkCompacted({ gitDir, store }: CompactSources, ns: string, label: string): Promise<void> {
  const bundle = bundlePath(gitDir, ns, label);
  const [isThere, traces] = [await exists(bundle), await store.refs([compactedRef(ns, label)])];
  if (!isThere && traces.size === 0) return;
  throw new KvError('NOT_FOUND', `epoch ${label} of namespace ${ns} was compacted already`, {
    hint: `its bundle ${isThere ? 'is' : 'was'} ${bundle} on the Stargate: git fetch that file 'refs/*:refs/*' brings it back into a clone`,
  });
}
