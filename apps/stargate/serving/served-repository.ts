import { hostname } from 'node:os';
import { basename } from 'node:path';
import { publishedText } from '../../../domain/gateway/commit/policy-ref.js';
import { gitBounds } from '../../../domain/gateway/limits/push-limits.js';
import type { NamedHostKey } from '../../../domain/ledger/host-keys.js';
import type { GitService } from '../../../ports/git/git-service.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { LeaderLock } from '../../../ports/stargate/leader-lock.js';
import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';
import type { PolicyReader } from '../../../ports/stargate/policy-reader.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import { KvError } from '../../../ports/error.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import { newUlid } from '../../../domain/ledger/ulid.js';
import type { HealthSources } from '../../http/health-mount.js';
import { adminVerbs } from '../admin/verbs.js';
import { warnOfOpenFiles } from '../check/open-to-all.js';
import type { PeerDispatch } from '../cluster/peers/dispatch.js';
import { joinCluster, type Membership } from '../cluster/join-cluster.js';
import type { ClusterMember } from '../cluster/member/member.js';
import { openForwarding } from '../forward/open-forwarding.js';
import { memberStatus } from '../cluster/member/member-status.js';
import { stargateHealth } from '../http/health.js';
import { openSequencerKey } from '../intents/sequencer-key.js';
import { type Leadership, startLeadership } from '../leader/leadership.js';
import { mirrorProbe } from '../leader/mirror-view.js';
import { type LeaderTerm, takeOver } from '../leader/term.js';
import type { Log } from '../log/log.js';
import type { Metrics } from '../metrics.js';
import { type Access, accessBy } from '../ssh/access.js';
import { type Route, routeCommands } from '../ssh/route.js';
import { type ReadBounds, serveRead } from '../ssh/upload-pack.js';
import type { ServeExec } from '../exec-session.js';
import { undoStack } from '../process/undo.js';
import type { ComposedRepository } from './composed-repository.js';
import { withJournalRoom } from '../journal/journal-room.js';
import { watchDiskRoom } from '../repository/disk-room.js';
import { ownRepositoryId } from '../repository/own-id.js';
import { type LoadedPolicy, openPolicyFile } from '../repository/policy-file.js';
import { policyOrigin } from '../repository/policy-origin.js';

/** What a repository has of the daemon that serves it. */
export interface ServingDaemon {
  /** Published beside the policy. */
  readonly hostKeys: () => readonly NamedHostKey[];
  readonly metrics: Metrics;
  /** When the daemon was started, milliseconds since 1970. */
  readonly started: number;
  readonly sampleSize: number;
  readonly log: Log;
  /** What hands out the requests of the cluster's other servers; absent: there is no cluster. */
  readonly dispatch?: PeerDispatch | undefined;
  /** What the repository has of that cluster; absent: it is called as its folder is, and its profile says the rest. */
  readonly membership?: Membership | undefined;
  /** Called when another policy is in force: who is connected is to be looked at again. */
  readonly review: () => void;
  /** Called each time that there is room on the disk again. */
  readonly onRoom: () => void;
}

/** How often a server of a cluster looks whether it leads, ms: that costs nothing, and nobody may push before. */
const CLUSTER_INTERVAL_MS = 50;

const isPassing = ({ code }: KvError): boolean => code === 'NOT_LEADER' || code === 'BUSY' || code === 'IO_ERROR';

/** How a repository stands. */
export interface RepositoryState {
  readonly leads: boolean;
  /** Transactions that the mirror does not show yet; none on a standby. */
  readonly backlog: number;
  /** Why nothing goes to the mirror; null where it does. */
  readonly stuck: string | null;
  /** How many namespaces are behind the mirror. */
  readonly behind: number;
  /** Why the policy file is not in force; null when it is. */
  readonly rejected: string | null;
}

/** One repository that is served: its policy, lease, journal, mirror, and what it answers with. */
export interface ServedRepository extends Access {
  readonly gitDir: string;
  readonly policy: () => LoadedPolicy;
  readonly leadership: Leadership<LeaderTerm>;
  /** Its part in a cluster; undefined: it is in none. */
  readonly member: ClusterMember | undefined;
  readonly health: HealthSources;
  /** Serves a fetch as HTTP has it. */
  fetch(how: NonNullable<ReadBounds['stateless']>): ServeExec;
  /** Gives what serves a command; throws the KvError to refuse with. */
  readonly route: Route;
  /** How it stands, as far as is known without asking anybody. */
  state(): RepositoryState;
  /** Publishes the policy anew, with what stands beside it, where this process leads. */
  republish(origin: LoadedPolicy['origin']): Promise<void>;
  /** Gives the lease up and closes everything. Never throws. */
  close(): Promise<void>;
}

/**
 * Serves a repository: follows its policy, tries for its lease, and takes it over when it is won. Throws `CONFIG_INVALID`, `IO_ERROR`, and
 * what recovery throws; the composition is closed then too.
 */
export async function serveRepository(
  { gitDir, policyPath, composition, openOwn }: ComposedRepository,
  { hostKeys, metrics, started, sampleSize, log, review, onRoom, dispatch, membership }: ServingDaemon,
): Promise<ServedRepository> {
  const running = undoStack(log);
  running.push(() => composition.close());
  try {
    const repository = await composition.get<RepositoryHost>('repository-host');
    const store = await composition.get<GitStore>('git-store');
    const clock = await composition.get<Clock>('clock');
    const mirror = await composition.get<MirrorTarget>('mirror-target');
    // Served apart from the others, it would decide alone what they decide together.
    if (dispatch === undefined && composition.profile.adapters['peer-transport'] !== undefined)
      throw new KvError('CONFIG_INVALID', 'a profile with a peer-transport is for a Stargate that serves one repository', {
        hint: 'serve it with --repo, or leave the cluster out of the profile',
      });
    const shared = membership ?? { repository: basename(gitDir, '.git') };
    const cluster =
      dispatch === undefined
        ? undefined
        : await joinCluster({
            composition,
            dispatch,
            policyPath,
            log,
            ...shared,
          });
    if (cluster !== undefined) running.push(() => cluster.close());
    /** Set once there may be somebody to publish for; what changes before, taking over publishes. */
    let publish: ((loaded: LoadedPolicy) => Promise<void>) | undefined;
    const policyFile = await openPolicyFile({
      path: policyPath,
      originOf: (reason) => policyOrigin(policyPath, reason, repository),
      reader: await composition.get<PolicyReader>('policy-reader'),
      onChange(loaded) {
        review();
        return publish?.(loaded);
      },
      published: () => publishedText(store),
      judged: (inForce) => metrics.policyRejected(!inForce),
      onRejected: () => metrics.policyRefused(),
      log,
    });
    running.push(() => policyFile.close());
    cluster?.onPolicy(() => void policyFile.reload());
    cluster?.ackBy(() => policyFile.current.policy.ack);
    await warnOfOpenFiles(gitDir, policyPath, log);

    metrics.role(false);
    const policy = () => policyFile.current;
    const host = await withJournalRoom(repository, gitDir, composition.profile);
    const room = watchDiskRoom({ ...{ host, metrics, log, onRoom }, policy: () => policy().policy });
    running.push(() => room.close());
    const leadership = await startLeadership({
      lock: cluster?.lock ?? (await composition.get<LeaderLock>('leader-lock')),
      ...(cluster === undefined ? {} : { interval: CLUSTER_INTERVAL_MS, bears: isPassing, soon: cluster.soon }),
      name: `${hostname()}:${process.pid}`,
      takeOver: (lease) =>
        takeOver(lease, {
          ...{ composition, openOwn, cluster, policy, hostKeys, metrics, room, log, sampleSize },
          repositoryId: () => ownRepositoryId(gitDir, composition),
          sequencerKey: () => openSequencerKey(gitDir),
        }),
      failed: room.told,
      pushUrlOf: (server) => policy().policy.pushUrls[server],
      log,
    });
    running.push(() => leadership.stop());
    publish = async ({ text, origin }) => leadership.current?.publish(text, origin);

    const shownCluster = cluster === undefined ? undefined : () => memberStatus(cluster.member);
    if (cluster !== undefined) running.push(metrics.cluster(() => memberStatus(cluster.member)));
    const services = await composition.get<GitService>('git-service');
    const worker = () => leadership.current?.worker.status() ?? null;
    const probe = mirrorProbe(mirror, () => clock.now());
    const policyRejected = () => policyFile.status.rejected;
    const route = routeCommands({
      services,
      ...{ store, limits: () => policy().policy.limits },
      bounds: () => gitBounds(policy().policy.limits),
      async push(session) {
        await room.require();
        return (await leadership.lead()).push(session);
      },
      async intents(session) {
        await room.require();
        return (await leadership.lead()).intents(session);
      },
      verbs: await adminVerbs({
        cluster: shownCluster,
        gitDir,
        composition,
        leadership,
        policyFile,
        hostKeys,
        room,
        started,
        log,
      }),
    });
    const randomness = await composition.get<Randomness>('randomness');
    const forwarding =
      cluster === undefined || dispatch === undefined
        ? undefined
        : openForwarding({
            ...{ dispatch, repository: shared.repository, member: cluster.member, route, log },
            leaderSeen: shared.root?.leaderSeen,
            policy: () => policy().policy,
            leads: () => leadership.current !== undefined,
            requireLeading: () => leadership.lead(),
            newId: () => newUlid(clock, randomness),
          });
    running.push(() => forwarding?.close());
    return {
      ...{ gitDir, policy, leadership, member: cluster?.member },
      ...accessBy(gitDir, () => policy().policy),
      health: stargateHealth({
        ...{ repository, store, metrics, worker, probe, lack: room.lack, policyRejected },
        leadership: () => leadership.state(),
      }),
      fetch: (stateless) =>
        serveRead('git-upload-pack', services, store, {
          ...policy().policy.limits,
          bounds: gitBounds(policy().policy.limits),
          stateless,
        }),
      route: forwarding?.route ?? route,
      state() {
        const mirror = worker();
        const stuck = mirror?.hostError ?? null;
        return {
          ...{ leads: leadership.current !== undefined, backlog: mirror?.backlog ?? 0, behind: mirror?.behind.size ?? 0 },
          ...{ stuck: stuck === null ? null : `${stuck.code}: ${stuck.message}`, rejected: policyRejected() },
        };
      },
      republish: async (origin) => publish?.({ ...policy(), origin }),
      close: running.undo,
    };
  } catch (error) {
    await running.undo();
    throw error;
  }
}
