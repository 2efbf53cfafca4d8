import { SYNC } from '../../../domain/admin/sync.js';
import { Mutex } from '../../../domain/gateway/mutex.js';
import { syncSides } from '../../../domain/gateway/sync/sync.js';
import type { BundleArchive } from '../../../ports/git/bundle-archive.js';
import { toKvError } from '../../../ports/error.js';
import type { Leadership } from '../leader/leadership.js';
import type { LeaderTerm } from '../leader/term.js';
import type { Log } from '../log/log.js';
import { type AdminVerb, served } from './serve-admin.js';

interface SyncSources {
  /** Throws `NOT_LEADER` where this Stargate may not move refs, at the mirror neither. */
  readonly leadership: Pick<Leadership<LeaderTerm>, 'lead'>;
  readonly bundles: BundleArchive;
  /** The text of the policy in force. */
  readonly policyText: () => string;
  readonly log: Log;
}

/** `sync [--ns NS] [--repair|--force|--hard|--adopt] [--dry-run]`: compares both sides, and brings them together as it is told. */
export function syncVerb({ leadership, bundles, policyText, log }: SyncSources): AdminVerb {
  const oneAtATime = new Mutex();
  return served(SYNC, async (args) => {
    const release = await oneAtATime.acquire();
    try {
      const { gateway, standing, worker, sides, publish } = await leadership.lead();
      const recheck = async (): Promise<void> => {
        worker.recheck();
        // What was done is done: a mirror that went away meanwhile is looked at again by the worker.
        await standing.look().catch((error: unknown) => log.warn('mirror.look', { message: toKvError(error).message }));
      };
      const context = { ...sides, gateway, bundles, recheck, republish: () => publish(policyText()) };
      const report = await syncSides(context, args);
      const { mode, dry_run, same, refs, bundle, left } = report;
      log.info('mirror.sync', { mode, dry_run, same, differing: refs.length, bundle, left });
      return report;
    } finally {
      release();
    }
  });
}
