import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ClusterStatus } from '../../domain/admin/cluster-status.js';
import type { ErrorCode } from '../../ports/error.js';

/** How many intents a step takes. */
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const SECONDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10, 30];

/** What the daemon measures. Times are given in milliseconds and exposed in seconds. */
export interface Metrics {
  accepted(ms: number): void;
  rejected(code: ErrorCode): void;
  mirrorEnqueued(count?: number): void;
  mirrorSucceeded(ms: number): void;
  mirrorFailed(): void;
  /** Time from acceptance to visibility at the mirror. */
  mirrorLag(ms: number): void;
  mirrorBacklog(size: number): void;
  mirrorRefused(count: number): void;
  /** The repository's disk, bytes, and whether pushes are refused for lack of room. */
  disk(room: { readonly free: number; readonly size: number }, full: boolean): void;
  /** The disk ran full. */
  diskFull(): void;
  /** The policy file as it is now is wrong, which nobody has been told yet. */
  policyRefused(): void;
  /** How many namespaces are behind the mirror, so that nothing can be written to them. */
  behindMirror(count: number): void;
  policyRejected(rejected: boolean): void;
  /** How many writers wait for their turn. */
  turnsWaiting(count: number): void;
  /** A writer's turn has come. */
  turnGranted(ms: number): void;
  /** A turn went by without a push, or before its push had ended. */
  turnUnused(): void;
  /** How many intents wait for their place in a ledger. */
  intentsWaiting(count: number): void;
  /** So many intents were answered in one step. */
  intentsOrdered(count: number, ms: number): void;
  intentRefused(code: ErrorCode): void;
  /** How many streams of intents are open. */
  intentStreams(count: number): void;
  role(leader: boolean): void;
  ready(github: boolean): void;
  /** Where the state of a repository's cluster is read; of several repositories, the greatest value is told. Gives what ends that. */
  cluster(read: () => ClusterStatus): () => void;
  /** Where it is read how many spans of traces could not be delivered. */
  spansLost(read: () => number): void;
  /** Where it is read how the repositories stand, where there may be many. */
  repositories(read: () => Readonly<Record<'known' | 'open' | 'led' | 'owed', number>>): void;
  /** The Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Registers the daemon's metrics in a registry of their own. */
export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const registry = registers[0] as Registry;
  const counter = (name: string, help: string, labelNames: string[] = []) => new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: string[] = []) => new Gauge({ name, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets = SECONDS) => new Histogram({ name, help, buckets, registers });

  const accepted = counter('stargate_txn_accepted_total', 'Pushes accepted');
  const rejected = counter('stargate_txn_rejected_total', 'Pushes rejected, by error code', ['code']);
  const latency = histogram('stargate_txn_latency_seconds', 'Validation and commit of an accepted push');
  const enqueued = counter('stargate_mirror_enqueued_total', 'Transactions handed to the mirror worker');
  const succeeded = counter('stargate_mirror_succeeded_total', 'Pushes that the mirror took');
  const failed = counter('stargate_mirror_failed_total', 'Pushes that the mirror did not take');
  const mirrorLatency = histogram('stargate_mirror_latency_seconds', 'Duration of a push to the mirror');
  const lag = histogram('stargate_mirror_lag_seconds', 'From acceptance to visibility at the mirror');
  const backlog = gauge('stargate_mirror_backlog_size', 'Transactions that the mirror does not show yet');
  const refused = gauge('stargate_mirror_refused_size', 'Namespaces, branches and tags that the mirror does not take');
  const diskFree = gauge('stargate_disk_free_bytes', 'Free space for the repository');
  const diskSize = gauge('stargate_disk_size_bytes', 'Size of the disk that the repository lies on');
  const noRoom = gauge('stargate_disk_full', '1 while pushes are refused for lack of room');
  const ranFull = counter('stargate_disk_full_total', 'How often the disk ran full');
  const behind = gauge('stargate_mirror_ahead_size', 'Namespaces of which the mirror shows more than the Stargate has');
  const policyRejected = gauge('stargate_policy_rejected', '1 while the policy file is not in force, since it is wrong');
  const policyRefused = counter('stargate_policy_rejected_total', 'Versions of the policy file that were not taken');
  const turnsWaiting = gauge('stargate_turns_waiting', 'Writers that wait for their turn');
  const turnWait = histogram('stargate_turn_wait_seconds', 'From asking for a turn to having it');
  const turnsUnused = counter('stargate_turns_unused_total', 'Turns that went by without a push, or before its end');
  const intentsWaiting = gauge('stargate_intents_waiting', 'Intents that wait for their place in a ledger');
  const intentsOrdered = counter('stargate_intents_ordered_total', 'Intents that were answered with their place in a ledger');
  const intentsRefused = counter('stargate_intents_refused_total', 'Intents refused, by error code', ['code']);
  const intentBatch = histogram('stargate_intent_batch_intents', 'Intents that were ordered in one step', BATCHES);
  const intentStep = histogram('stargate_intent_step_seconds', 'Judging, building and committing what one step orders');
  const intentStreams = gauge('stargate_intent_streams_open', 'Streams of intents that are open');
  const role = gauge('stargate_ha_role', '1 while this process is the leader, 0 while it stands by');
  const ready = gauge('stargate_health_ready', '1 while ready, by whether the mirror is reachable', ['github']);

  const clusters = new Set<() => ClusterStatus>();
  let tellsClusters = false;

  return {
    accepted(ms) {
      accepted.inc();
      latency.observe(ms / 1000);
    },
    rejected: (code) => rejected.inc({ code }),
    mirrorEnqueued: (count = 1) => enqueued.inc(count),
    mirrorSucceeded(ms) {
      succeeded.inc();
      mirrorLatency.observe(ms / 1000);
    },
    mirrorFailed: () => failed.inc(),
    mirrorLag: (ms) => lag.observe(ms / 1000),
    mirrorBacklog: (size) => backlog.set(size),
    mirrorRefused: (count) => refused.set(count),
    disk({ free, size }, full) {
      diskFree.set(free);
      diskSize.set(size);
      noRoom.set(full ? 1 : 0);
    },
    diskFull: () => ranFull.inc(),
    policyRefused: () => policyRefused.inc(),
    behindMirror: (count) => behind.set(count),
    policyRejected: (rejected) => policyRejected.set(rejected ? 1 : 0),
    turnsWaiting: (count) => turnsWaiting.set(count),
    turnGranted: (ms) => turnWait.observe(ms / 1000),
    turnUnused: () => turnsUnused.inc(),
    intentsWaiting: (count) => intentsWaiting.set(count),
    intentsOrdered(count, ms) {
      intentsOrdered.inc(count);
      intentBatch.observe(count);
      intentStep.observe(ms / 1000);
    },
    intentRefused: (code) => intentsRefused.inc({ code }),
    intentStreams: (count) => intentStreams.set(count),
    role: (leader) => role.set(leader ? 1 : 0),
    ready(github) {
      ready.set({ github: String(github) }, 1);
      ready.set({ github: String(!github) }, 0);
    },
    cluster(read) {
      clusters.add(read);
      const end = (): void => void clusters.delete(read);
      if (tellsClusters) return end;
      tellsClusters = true;
      const told = (name: string, help: string, of: (status: ClusterStatus) => number): void => {
        new Gauge({
          ...{ name, help, registers },
          collect() {
            this.set(Math.max(0, ...[...clusters].map((each) => of(each()))));
          },
        });
      };
      told('stargate_cluster_term', 'The newest term that this server has seen', ({ term }) => term);
      told(
        'stargate_cluster_behind',
        'Entries that were decided and that this server does not show yet',
        ({ decided, at }) => decided - at,
      );
      told('stargate_cluster_members', 'Servers whose majority decides', ({ members }) => members.length);
      told(
        'stargate_cluster_unreachable',
        'Servers that could not be reached when they were last spoken to',
        ({ peers }) => peers.filter(({ unreachable }) => unreachable !== null).length,
      );
      told('stargate_cluster_diverged', '1 when the history of this server is not the cluster’s', ({ diverged }) =>
        diverged === null ? 0 : 1,
      );
      return end;
    },
    spansLost(read) {
      new Gauge({
        ...{ name: 'stargate_trace_spans_lost', help: 'Spans of traces that could not be delivered', registers },
        collect() {
          this.set(read());
        },
      });
    },
    repositories(read) {
      new Gauge({
        ...{
          name: 'stargate_repositories',
          help: 'Repositories that are known, open, led, and closed with work left',
          registers,
        },
        labelNames: ['state'],
        collect() {
          for (const [state, count] of Object.entries(read())) this.set({ state }, count);
        },
      });
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
