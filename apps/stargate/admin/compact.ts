import { compactNamespace, type DroppedEpoch } from '../../../domain/gateway/epochs/compaction.js';
import type { RepositoryGateway } from '../../../domain/gateway/gateway.js';
import { Mutex } from '../../../domain/gateway/commit/mutex.js';
import { isEpochLabel, isNamespace } from '../../../domain/ledger/paths.js';
import type { BundleArchive } from '../../../ports/bundle-archive.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { Policy } from '../../../ports/policy-reader.js';
import type { RepositoryUpkeep } from '../../../ports/repository-upkeep.js';
import type { AdminVerb } from './serve-admin.js';
import { failpoint } from '../failpoint.js';
import type { Log } from '../log.js';

export interface CompactSources {
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

interface Arguments {
  readonly ns: string;
  readonly label: string | undefined;
  readonly dryRun: boolean;
}

/** `compact NS [--epoch LABEL] [--dry-run]`: drops past epochs, keeping each as a bundle. */
export function compactVerb(sources: CompactSources): AdminVerb {
  const oneAtATime = new Mutex();
  return {
    name: 'compact',
    role: 'admin',
    async run(words) {
      const args = readArguments(words);
      const release = await oneAtATime.acquire();
      try {
        return await compact(sources, args);
      } finally {
        release();
      }
    },
  };
}

async function compact(sources: CompactSources, { ns, label, dryRun }: Arguments): Promise<object> {
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

function readArguments(words: readonly string[]): Arguments {
  const rest = [...words];
  const ns = rest.shift() ?? '';
  if (!isNamespace(ns)) throw new KvError('USAGE', `'compact' wants a namespace, and got '${ns.slice(0, 60)}'`);
  let label: string | undefined;
  let dryRun = false;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--dry-run') dryRun = true;
    else if (word === '--epoch') label = rest.shift() ?? '';
    else throw new KvError('USAGE', `'compact' does not know '${word.slice(0, 60)}'`);
  }
  // The label becomes part of a file's name.
  if (label !== undefined && !isEpochLabel(label))
    throw new KvError('USAGE', `${JSON.stringify(label.slice(0, 80))} is no epoch label`);
  return { ns, label, dryRun };
}
