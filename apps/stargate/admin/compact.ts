import { COMPACT, type CompactArguments, type CompactReport, type DroppedEpoch } from '../../../domain/admin/compact.js';
import { compactNamespace } from '../../../domain/gateway/epochs/compaction.js';
import type { RepositoryGateway } from '../../../domain/gateway/gateway.js';
import { Mutex } from '../../../domain/gateway/mutex.js';
import type { BundleArchive } from '../../../ports/git/bundle-archive.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { RepositoryUpkeep } from '../../../ports/git/repository-upkeep.js';
import { type AdminVerb, served } from './serve-admin.js';
import { failpoint } from '../process/failpoint.js';
import type { Log } from '../log/log.js';

interface CompactSources {
  readonly store: GitStore;
  readonly bundles: BundleArchive;
  readonly upkeep: RepositoryUpkeep;
  readonly policy: () => Policy;
  /** Throws `NOT_LEADER` where this Stargate may not move refs. */
  readonly gateway: () => Promise<RepositoryGateway>;
  /** Runs work while no push is at hand, new ones waiting; false when those at hand take too long. */
  readonly quietly: (work: () => Promise<void>) => Promise<boolean>;
  readonly log: Log;
}

/** `compact NS [--epoch LABEL] [--dry-run]`: drops past epochs, keeping each as a bundle. */
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
  const { store, bundles, upkeep, quietly, log } = sources;
  const gateway = await sources.gateway();
  const keepEpochs = sources.policy().namespaces.get(ns)?.retention.keepEpochs ?? null;
  const observer = {
    dropped: (_ns: string, { epoch, bundle, bundle_bytes: bytes }: DroppedEpoch) =>
      log.info('epoch.compacted', { ns, epoch, bundle, bytes }),
    unreclaimed: () => log.warn('epoch.unreclaimed', { message: 'pushes are at hand; the next compact frees the space' }),
  };
  const context = { store, bundles, upkeep, gateway, quietly, failpoint, observer };
  return compactNamespace(context, { ns, label, keepEpochs, dryRun });
}
