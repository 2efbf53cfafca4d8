import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { publishedText } from '../../domain/gateway/commit/policy-ref.js';
import { gitBounds } from '../../domain/gateway/limits/push-limits.js';
import type { NamedHostKey } from '../../domain/ledger/host-keys.js';
import { type FoundPlugin, openProfile } from '../../plugins/host/index.js';
import { toKvError } from '../../ports/error.js';
import type { Clock } from '../../ports/clock.js';
import type { GitService } from '../../ports/git/git-service.js';
import type { GitStore } from '../../ports/git/git-store.js';
import type { LeaderLock } from '../../ports/stargate/leader-lock.js';
import type { MirrorTarget } from '../../ports/stargate/mirror-target.js';
import type { PolicyReader } from '../../ports/stargate/policy-reader.js';
import type { RepositoryHost } from '../../ports/git/repository-host.js';
import type { Tracing } from '../../ports/tracing.js';
import { crowdBounds } from '../http/crowd.js';
import { healthMount } from '../http/health-mount.js';
import { warnOfOpenFiles } from './check/open-to-all.js';
import { adminVerbs } from './admin/verbs.js';
import { mirrorProbe } from './leader/mirror-view.js';
import { noteJournal } from './backup/journal.js';
import { requireSameJournal } from './journal/same-journal.js';
import { type Endpoint, removeEndpoints, writeEndpoints } from './endpoints.js';
import { stargateHealth } from './http/health.js';
import { listenHttp } from './http/listen.js';
import { namedKeys, openKeyring, shownKeys } from './host-key/keyring.js';
import { createMetrics } from './metrics.js';
import { type LeadershipState, startLeadership } from './leader/leadership.js';
import { takeOver } from './leader/term.js';
import type { Log } from './log/log.js';
import { ownEnv } from './process/environment.js';
import { openSequencerKey } from './intents/sequencer-key.js';
import { logRefused } from './push/push-line.js';
import { watchDiskRoom } from './repository/disk-room.js';
import { type LoadedPolicy, openPolicyFile } from './repository/policy-file.js';
import { ownRepositoryId } from './repository/own-id.js';
import { policyOrigin } from './repository/policy-origin.js';
import { accessBy, limitsBy } from './ssh/access.js';
import { checkPushUrl } from './ssh/push-url.js';
import { standInFor } from './plugins/stand-in.js';
import { routeCommands } from './ssh/route.js';
import { listenSsh } from './ssh/server.js';
import { chooseProfile, type ProfileChoice } from './stargate-profile.js';
import { undoStack } from './process/undo.js';

interface ServeOptions extends ProfileChoice {
  readonly repo: string;
  readonly listenSsh: Endpoint;
  readonly listenHttp: Endpoint;
  /** undefined: `<repo>/.kv/policy.yaml`. */
  readonly policyPath: string | undefined;
  readonly sampleSize: number;
  readonly log: Log;
  /** Hears of each plugin before any of its code runs, and once its name is known. */
  readonly onPlugin?: (plugin: FoundPlugin) => void;
}

interface Daemon {
  readonly ssh: Endpoint;
  readonly http: Endpoint;
  /** Who led when the daemon had started: this one, when it had won the lease. */
  readonly leadership: LeadershipState;
  readonly hostKeys: readonly NamedHostKey[];
  /** Finishes the push at hand (for at most 30 s), gives the lease up and closes everything. */
  stop(): Promise<void>;
}

/** What is said of who changed a policy that is published anew for the host keys beside it. */
const KEYS_CHANGED = [['Reason', 'the host keys changed']] as const;
const GRACE_MS = 30_000;
/** For one answer over HTTP that is being written when the daemon ends. */
const HTTP_GRACE_MS = 1000;

/** Starts a Stargate over one repository. Throws `CONFIG_INVALID`, `IO_ERROR`, and what recovery throws. */
export async function serve(options: ServeOptions): Promise<Daemon> {
  const { log } = options;
  const started = Date.now();
  const gitDir = resolve(options.repo);
  const profile = await chooseProfile(options);
  const { onPlugin } = options;
  const told = onPlugin === undefined ? {} : { onPlugin };
  const open = () => openProfile(profile, { directory: gitDir, env: ownEnv(), standIn: standInFor(log), ...told });
  const openOwn = async () => {
    await requireSameJournal(gitDir, profile); // it may have been moved while this one stood by
    return open();
  };
  const composition = await open();
  for (const { message, hint } of composition.failed) log.warn('plugin.failed', { message, hint });
  const running = undoStack(log);
  const stop = async (): Promise<void> => {
    await running.undo();
    log.info('stopped');
  };
  running.push(() => composition.close());
  try {
    const repository = await composition.get<RepositoryHost>('repository-host');
    await repository.check(); // hooks of another version are written anew once this one leads; foreign ones are refused now
    await requireSameJournal(gitDir, profile);
    // What a backup has to know. Without room it is told at the next start.
    await noteJournal(gitDir, profile).catch((error: unknown) =>
      log.warn('journal.unnoted', { message: toKvError(error).message }),
    );
    const metrics = createMetrics();
    const tracing = await composition.get<Tracing>('tracing');
    metrics.spansLost(() => tracing.lost);
    const store = await composition.get<GitStore>('git-store');
    const clock = await composition.get<Clock>('clock');
    const mirror = await composition.get<MirrorTarget>('mirror-target');
    /** Set once there may be somebody to publish for; what changes before, taking over publishes. */
    let publish: ((loaded: LoadedPolicy) => Promise<void>) | undefined;
    /** Set once anybody can be connected. */
    let review = (): void => undefined;
    const policyPath = options.policyPath ?? join(gitDir, '.kv', 'policy.yaml');
    const keyring = await openKeyring({
      gitDir,
      log,
      now: () => clock.now(),
      onChange: () => publish?.({ ...policy(), origin: KEYS_CHANGED }),
    });
    running.push(() => keyring.close());
    const hostKeys = () => namedKeys(keyring.current);
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
    await warnOfOpenFiles(gitDir, policyPath, log);

    metrics.role(false);
    const policy = () => policyFile.current;
    /** Set once there are addresses to tell: without room, the file that tells them is for later. */
    let tellEndpoints = async (): Promise<void> => undefined;
    const room = watchDiskRoom({
      ...{ host: repository, metrics, log },
      policy: () => policy().policy,
      onRoom: () => void tellEndpoints(),
    });
    running.push(() => room.close());
    const leadership = await startLeadership({
      lock: await composition.get<LeaderLock>('leader-lock'),
      name: `${hostname()}:${process.pid}`,
      takeOver: (lease) =>
        takeOver(lease, {
          ...{ composition, openOwn, policy, hostKeys, metrics, room, log, sampleSize: options.sampleSize },
          repositoryId: () => ownRepositoryId(gitDir, composition),
          sequencerKey: () => openSequencerKey(gitDir),
        }),
      failed: room.told,
      log,
    });
    running.push(() => leadership.stop());
    publish = async ({ text, origin }) => leadership.current?.publish(text, origin);

    const worker = () => leadership.current?.worker.status() ?? null;
    const probe = mirrorProbe(mirror, () => clock.now());
    const policyRejected = () => policyFile.status.rejected;
    const health = stargateHealth({
      ...{ repository, store, metrics, worker, probe, lack: room.lack, policyRejected },
      leadership: () => leadership.state(),
    });
    const http = await listenHttp(options.listenHttp, [healthMount(health)], () => crowdBounds(policy().policy.limits), log);
    running.push(() => http.close(HTTP_GRACE_MS));
    const access = accessBy(gitDir, () => policy().policy);
    const ssh = await listenSsh({
      ...{ ...options.listenSsh, ...access, log, tracing, hostKeys: () => keyring.current },
      limits: limitsBy(() => policy().policy),
      route: routeCommands({
        services: await composition.get<GitService>('git-service'),
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
        verbs: await adminVerbs({ gitDir, composition, leadership, policyFile, hostKeys, room, started, log }),
      }),
      pushRefused(session, error, ms) {
        metrics.rejected(error.code);
        logRefused(log, session, error, { commands: [], transactions: [], bytes: 0, ms, gatewayMs: 0 });
      },
    });
    running.push(() => ssh.close(GRACE_MS));
    review = ssh.review;
    tellEndpoints = async () => {
      await writeEndpoints(gitDir, { ssh, http }).catch((error: unknown) =>
        log.warn('endpoints.untold', { message: toKvError(error).message }),
      );
    };
    await tellEndpoints();
    running.push(() => removeEndpoints(gitDir));
    const state = await leadership.state();
    log.info('ready', {
      ...{ ssh: `${ssh.host}:${ssh.port}`, http: `${http.host}:${http.port}` },
      ...{ leader: state.leader, profile: profile.name, host_keys: shownKeys(hostKeys()) },
    });
    checkPushUrl(policy().policy.pushUrl, options.listenSsh, ssh, log);
    return { ssh, http, leadership: state, hostKeys: hostKeys(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
