import { toKvError } from '../../../ports/error.js';
import { ObjectNamer } from '../../../domain/git/object.js';
import { shortenJournal } from '../../../domain/gateway/commit/shorten-journal.js';
import type { CommitContext } from '../../../domain/gateway/commit/commit-refs.js';
import { RepositoryGateway } from '../../../domain/gateway/gateway.js';
import { epochsAtMirror } from '../../../domain/gateway/mirror/probe.js';
import { ReadersNotice } from '../../../domain/gateway/mirror/readers-notice.js';
import { MirrorWorker } from '../../../domain/gateway/mirror/worker.js';
import { type PolicyOrigin, publishedRefusals, publishedText, publishPolicy } from '../../../domain/gateway/commit/policy-ref.js';
import type { SidesContext } from '../../../domain/gateway/sync/relations.js';
import { Turns } from '../../../domain/gateway/turns/turns.js';
import { MirrorStanding } from '../../../domain/gateway/sync/standing.js';
import type { NamedHostKey } from '../../../domain/ledger/host-keys.js';
import type { Composition } from '../../../plugins/host/index.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { Journal } from '../../../ports/stargate/journal.js';
import type { Lease } from '../../../ports/stargate/leader-lock.js';
import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import { failpoint } from '../process/failpoint.js';
import { sequencersToPublish } from '../intents/published-keys.js';
import type { OwnKey } from '../../ssh-signature.js';
import type { Log } from '../log/log.js';
import type { Metrics } from '../metrics.js';
import { guardedMirror } from './guarded-mirror.js';
import { observeMirror } from './mirror-view.js';
import { observeStanding, sidesContext } from './standing-view.js';

/** The gateway, recovered, and the mirror worker, running. */
export interface GatewayHost {
  readonly gateway: RepositoryGateway;
  readonly worker: MirrorWorker;
  readonly standing: MirrorStanding;
  readonly turns: Turns;
  /** What comparing both sides takes, with the stage that the standing uses too. */
  readonly sides: SidesContext;
  /** Publishes the policy's text, and the host keys, as `refs/kv-policy/current`, unless that says so already. */
  publish(text: string, origin?: PolicyOrigin): Promise<void>;
  /** Drops what nobody will ask the journal for again. Runs while no commit can. */
  shortenJournal(): Promise<void>;
  /**
   * Stops the mirror worker, whose queue is in the journal, and waits for the commit at hand. No other commit begins, from
   * the moment this is called.
   */
  stop(): Promise<void>;
}

interface GatewayHostOptions {
  readonly composition: Composition;
  /** In a cluster: has it decide what a commit moves. */
  readonly replicate?: CommitContext['replicate'];
  /** As the last leader has left it: opened after the lease was won. */
  readonly journal: Journal;
  /** The mirror again, with a connection and a breaker of its own, for branches and tags; the composition's when absent. */
  readonly branchMirror?: MirrorTarget;
  readonly lease: Lease;
  /** Asks whether nobody else can lead by now, before each push to the mirror; the lease when absent. */
  readonly mayMirror?: (() => Promise<boolean>) | undefined;
  readonly policy: () => Policy;
  /** What is published beside the policy. */
  readonly hostKeys: () => readonly NamedHostKey[];
  /** How long the mirror refuses a namespace before its readers are told, ms; half a minute when absent. */
  readonly tellReadersAfterMs?: number;
  readonly sampleSize: number;
  /** This repository's id. */
  readonly repositoryId: string;
  /** Signs ledger commits that are made of intents. */
  readonly sequencer: OwnKey;
  /** Told of each commit. */
  readonly committed?: () => void;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Of a key's connections, those that may stand in lines: the rest is for its pushes and fetches. Who stands there is no command at work. */
const SHARE_IN_LINES = 3 / 4;

function turnsOfOneKey({ maxConnectionsPerKey }: Policy): number {
  return Math.max(1, Math.floor(maxConnectionsPerKey * SHARE_IN_LINES));
}

/** Recovers what a crash, or another leader, has left in the journal, and starts. */
export async function startGateway(options: GatewayHostOptions): Promise<GatewayHost> {
  const { composition, journal, lease, policy, sampleSize, repositoryId, sequencer, metrics, log } = options;
  const store = await composition.get<GitStore>('git-store');
  const clock = await composition.get<Clock>('clock');
  const randomness = await composition.get<Randomness>('randomness');
  const verifier = await composition.get<SignatureVerifier>('signature-verifier');
  const mayMirror = options.mayMirror ?? (() => lease.held());
  const target = guardedMirror(await composition.get<MirrorTarget>('mirror-target'), mayMirror);
  const namer = new ObjectNamer(await composition.get<Hasher>('hasher'), store.objectFormat);

  const stopping = new AbortController();
  const sides = { ...(await sidesContext(composition, policy, sampleSize, repositoryId)), target };
  const standing = new MirrorStanding(sides, observeStanding(metrics, log));
  const turns = new Turns({
    ...{ clock, randomness, limits: () => policy().limits },
    mostOfOne: () => turnsOfOneKey(policy()),
    observer: {
      waiting: metrics.turnsWaiting,
      granted: (_ns, waitedMs) => metrics.turnGranted(waitedMs),
      unused(ns, fingerprint) {
        metrics.turnUnused();
        log.info('turn.unused', { ns, fingerprint });
      },
    },
  });
  const observer = observeMirror(metrics, log);
  const publish = async (text: string | null, origin?: PolicyOrigin): Promise<void> =>
    gateway.moveOwn(async (own) => {
      const policy = text ?? (await publishedText(own.store));
      if (policy === null) return []; // the policy comes first, and takes along what is to be told then
      const sequencers = await sequencersToPublish(own.store, options.policy(), sequencer);
      const published = { policy, hostKeys: options.hostKeys(), repositoryId, sequencers, refused: readers.refusals, origin };
      return publishPolicy(own.store, namer, clock, published);
    });
  const readers = new ReadersNotice(
    clock,
    () => publish(null, [['Mirror-Refuses', [...readers.refusals.keys()].join(', ')]]),
    options.tellReadersAfterMs,
  );
  const worker = new MirrorWorker({
    store,
    journal,
    target,
    branches: options.branchMirror === undefined ? target : guardedMirror(options.branchMirror, mayMirror),
    clock,
    randomness,
    observer,
    standing,
    readers,
    failpoint,
  });
  const gateway = new RepositoryGateway({
    ...{ store, namer, journal, clock, randomness, verifier, policy, sampleSize, repositoryId, sequencer, failpoint },
    sequencing: {
      waiting: metrics.intentsWaiting,
      ordered: (count, tookMs) => count > 0 && metrics.intentsOrdered(count, tookMs),
      refused: metrics.intentRefused,
    },
    newEpochs: epochsAtMirror({ store, namer, target, clock }),
    replicate: options.replicate,
    lease: () => (stopping.signal.aborted ? null : lease),
    committed(intent, span) {
      worker.enqueue([intent], span);
      options.committed?.();
    },
    unmirrored: (intents) => worker.enqueue(intents),
    async admit(namespaces, turn) {
      await standing.admit(namespaces);
      turns.admit(namespaces, turn);
    },
  });
  const report = await gateway.recover();
  log.info('journal.recovered', {
    rolled_forward: report.rolledForward,
    rolled_back: report.rolledBack,
    unmirrored: worker.status().backlog,
  });
  readers.begin(await publishedRefusals(store));
  gateway.warmUp(stopping.signal).catch((error: unknown) => {
    if (!stopping.signal.aborted) log.warn('ids.unread', { message: toKvError(error).message }); // the push that needs them is told
  });
  // The mirror is not written for as long as stepping down takes.
  const running = worker.run(AbortSignal.any([stopping.signal, lease.lost]));
  return {
    ...{ gateway, worker, standing, sides, turns },
    publish,
    async shortenJournal() {
      const { before, after } = await shortenJournal(journal, (id) => worker.isWaiting(id));
      if (after < before) log.info('journal.compacted', { before, after });
    },
    async stop() {
      stopping.abort();
      await Promise.all([running, gateway.exclusively(async () => undefined)]);
    },
  };
}
