import type { PolicyOrigin } from '../../../domain/gateway/commit/policy-ref.js';
import type { IntentsStatus } from '../../../domain/admin/status.js';
import { traceBundles } from '../../../domain/gateway/epochs/trace-bundles.js';
import type { RepositoryGateway } from '../../../domain/gateway/gateway.js';
import type { SidesContext } from '../../../domain/gateway/sync/relations.js';
import type { MirrorStanding } from '../../../domain/gateway/sync/standing.js';
import type { MirrorWorker } from '../../../domain/gateway/mirror/worker.js';
import type { NamedHostKey } from '../../../domain/ledger/host-keys.js';
import type { Composition } from '../../../plugins/host/index.js';
import type { BundleArchive } from '../../../ports/git/bundle-archive.js';
import { KvError } from '../../../ports/error.js';
import type { GitService } from '../../../ports/git/git-service.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Journal } from '../../../ports/stargate/journal.js';
import type { Lease } from '../../../ports/stargate/leader-lock.js';
import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import type { RepositoryUpkeep } from '../../../ports/git/repository-upkeep.js';
import type { Metrics } from '../metrics.js';
import type { Log } from '../log/log.js';
import { ObjectNamer } from '../../../domain/git/object.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { RepositoryCluster } from '../cluster/join-cluster.js';
import { leaderIntents } from '../intents/leader-intents.js';
import type { OwnKey } from '../../ssh-signature.js';
import { leaderPushes } from '../push/leader-pushes.js';
import type { Turns } from '../../../domain/gateway/turns/turns.js';
import { pushLimits } from '../../../domain/gateway/limits/push-limits.js';
import type { DiskRoom } from '../repository/disk-room.js';
import { type Housekeeping, startHousekeeping } from '../repository/housekeeping.js';
import type { LoadedPolicy } from '../repository/policy-file.js';
import type { ServeExec } from '../exec-session.js';
import { undoStack } from '../process/undo.js';
import { startGateway } from './gateway-host.js';
import type { Reversible } from './leadership.js';

/** All that a Stargate runs while it leads: from winning the lease to losing it. Each lease won gets a new one. */
export interface LeaderTerm extends Reversible {
  readonly gateway: RepositoryGateway;
  readonly worker: MirrorWorker;
  readonly standing: MirrorStanding;
  readonly sides: SidesContext;
  /** Who may push next, where many want to. */
  readonly turns: Turns;
  /** Fires when this term ends, with the KvError to tell others. */
  readonly over: AbortSignal;
  readonly push: ServeExec;
  readonly intents: ServeExec;
  intentsStatus(): IntentsStatus;
  /** Publishes a policy's text, and the host keys, as `refs/kv-policy/current`, unless that says so already. */
  publish(text: string, origin?: PolicyOrigin): Promise<void>;
  /** Runs work while no push is at hand, new ones waiting; false when those at hand take too long. Throws `NOT_LEADER`. */
  quietly(work: () => Promise<void>): Promise<boolean>;
}

interface TakeOverOptions {
  /** What outlives a term. */
  readonly composition: Composition;
  /**
   * Opens what a term has of its own: the journal, which another leader may have written since the last term here, and a second
   * way to the mirror.
   */
  readonly openOwn: () => Promise<Composition>;
  readonly policy: () => LoadedPolicy;
  /** In a cluster: what has the refs decided, and keeps the journal. */
  readonly cluster?: Pick<RepositoryCluster, 'journal' | 'replicate' | 'mayMirror'> | undefined;
  /** Published beside the policy. */
  readonly hostKeys: () => readonly NamedHostKey[];
  readonly sampleSize: number;
  /** Gives this repository's id, and one that has none an id: for the leader alone. */
  readonly repositoryId: () => Promise<string>;
  /** The key with which intents are ordered: the first leader makes it. */
  readonly sequencerKey: () => Promise<OwnKey>;
  readonly room: DiskRoom;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** How long a compaction holds new pushes up to wait for the ones at hand. */
const COMPACT_PATIENCE_MS = 30_000;

/**
 * Puts the repository in order, recovers, and takes pushes. What it has begun is undone when it fails, and by `stepDown`: pushes
 * that have not begun to move refs are refused with `NOT_LEADER`, a commit at hand ends, mirror and housekeeping stop, the
 * journal is closed. Readers notice nothing of either.
 */
export async function takeOver(lease: Lease, options: TakeOverOptions): Promise<LeaderTerm> {
  const { composition, metrics, log } = options;
  const policy = () => options.policy().policy;
  const started = undoStack(log);
  try {
    const repository = await composition.get<RepositoryHost>('repository-host');
    await prepare(repository, options);
    const own = await options.openOwn();
    started.push(() => own.close());
    const { cluster } = options;
    const journal = cluster?.journal ?? (await own.get<Journal>('journal'));
    const { replicate, mayMirror } = cluster ?? {};
    started.push(() => forgetQueue(metrics));
    const branchMirror = await own.get<MirrorTarget>('mirror-target');
    const repositoryId = await options.repositoryId();
    const sequencer = await options.sequencerKey();
    let housekeeping: Housekeeping | undefined;
    const committed = (): void => housekeeping?.committed();
    const host = await startGateway({
      ...options,
      replicate,
      mayMirror,
      journal,
      branchMirror,
      lease,
      policy,
      repositoryId,
      sequencer,
      committed,
    });
    started.push(() => host.stop());
    const { gateway, worker, turns } = host;
    const store = await composition.get<GitStore>('git-store');
    const traced = await traceBundles({
      ...{ store, gateway, bundles: await composition.get<BundleArchive>('bundle-archive') },
      unreadable: (bundle, { message }) => log.warn('bundle.unreadable', { bundle, message }),
    });
    if (traced.length > 0) log.info('epoch.traced', { refs: traced });
    housekeeping = startHousekeeping({
      ...{ log, upkeep: await composition.get<RepositoryUpkeep>('repository-upkeep') },
      tidy: () => gateway.exclusively(() => host.shortenJournal()),
    });
    started.push(() => housekeeping.stop());
    const over = new AbortController();
    started.push(() => over.abort(notLeader()));
    const push = leaderPushes({
      ...{ gateway, housekeeping, metrics, log, store, turns, room: options.room, host: repository, over: over.signal },
      services: await composition.get<GitService>('git-service'),
      limits: () => pushLimits(policy()),
    });
    const namer = new ObjectNamer(await composition.get<Hasher>('hasher'), store.objectFormat);
    const intents = leaderIntents({
      ...{ gateway, store, namer, housekeeping, metrics, policy, repositoryId, room: options.room, over: over.signal, log },
    });
    const { text, origin } = options.policy();
    await host.publish(text, origin); // last, so that a change of it meanwhile is in
    metrics.role(true);
    started.push(() => metrics.role(false));
    return {
      ...{ gateway, worker, push, intents: intents.serve, publish: host.publish, stepDown: started.undo },
      intentsStatus: () => ({ waiting: gateway.intentsWaiting, streams: intents.open() }),
      ...{ standing: host.standing, sides: host.sides, turns, over: over.signal },
      quietly(work) {
        const stillLeading = async (): Promise<void> => {
          over.signal.throwIfAborted();
          await work();
        };
        return housekeeping.quietly(stillLeading, COMPACT_PATIENCE_MS);
      },
    };
  } catch (error) {
    await started.undo();
    throw error;
  }
}

/** Clears up what a leader that died has left, and brings an older version's repository along. */
async function prepare(repository: RepositoryHost, { cluster, policy, log }: TakeOverOptions): Promise<void> {
  // First: a locked config can't be upgraded. A server of a cluster moves refs while it stands by, and has cleared up at its start.
  const cleared = cluster === undefined ? await repository.unlock() : [];
  if (cleared.length > 0) log.warn('repository.unlocked', { locks: cleared });
  const { hooks, settings } = await repository.upgrade();
  if (hooks.length + settings.length > 0) log.warn('repository.upgraded', { hooks, settings });
  await repository.sweepQuarantines(2 * pushLimits(policy().policy).timeout);
}

/** A standby has no queue for the mirror, so its metrics tell of none. */
function forgetQueue(metrics: Metrics): void {
  metrics.mirrorBacklog(0);
  metrics.mirrorRefused(0);
  metrics.behindMirror(0);
}

function notLeader(): KvError {
  return new KvError('NOT_LEADER', 'this Stargate leads no more', {
    hint: 'push to the leader',
    advice: { id: 'push-to-leader' },
  });
}
