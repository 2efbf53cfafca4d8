import type { FoundPlugin } from '../../plugins/host/index.js';
import type { NamedHostKey } from '../../domain/ledger/host-keys.js';
import { toKvError } from '../../ports/error.js';
import { openPeers } from './cluster/open-peers.js';
import type { Clock } from '../../ports/clock.js';
import type { Tracing } from '../../ports/tracing.js';
import { crowdBounds } from '../http/crowd.js';
import { healthMount } from '../http/health-mount.js';
import { type Endpoint, removeEndpoints, writeEndpoints } from './endpoints.js';
import { listenHttp } from './http/listen.js';
import { namedKeys, openKeyring, shownKeys } from './host-key/keyring.js';
import { createMetrics } from './metrics.js';
import type { LeadershipState } from './leader/leadership.js';
import type { Log } from './log/log.js';
import { logRefused } from './push/push-line.js';
import { composeRepository } from './serving/composed-repository.js';
import { type ServedRepository, serveRepository } from './serving/served-repository.js';
import { limitsBy } from './ssh/access.js';
import { checkPushUrl } from './ssh/push-url.js';
import { listenSsh } from './ssh/server.js';
import type { ProfileChoice } from './stargate-profile.js';
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
  const { log, policyPath, onPlugin, sampleSize } = options;
  const started = Date.now();
  const composed = await composeRepository({ repo: options.repo, choice: options, policyPath, log, onPlugin });
  const { gitDir, composition } = composed;
  const running = undoStack(log);
  const stop = async (): Promise<void> => {
    await running.undo();
    log.info('stopped');
  };
  running.push(() => composition.close());
  try {
    const metrics = createMetrics();
    const tracing = await composition.get<Tracing>('tracing');
    metrics.spansLost(() => tracing.lost);
    const clock = await composition.get<Clock>('clock');
    let repository: ServedRepository | undefined;
    const keyring = await openKeyring({
      ...{ gitDir, log, now: () => clock.now() },
      onChange: () => repository?.republish(KEYS_CHANGED),
    });
    running.push(() => keyring.close());
    const hostKeys = () => namedKeys(keyring.current);
    /** Set once anybody can be connected. */
    let review = (): void => undefined;
    /** Set once there are addresses to tell: without room, the file that tells them is for later. */
    let tellEndpoints = async (): Promise<void> => undefined;
    const dispatch = await openPeers(composition);
    if (dispatch !== undefined) running.push(() => dispatch.transport.close());
    const served = await serveRepository(composed, {
      dispatch,
      ...{ hostKeys, metrics, started, sampleSize, log },
      review: () => review(),
      onRoom: () => void tellEndpoints(),
    });
    repository = served;
    running.push(() => served.close());
    const policy = () => served.policy().policy;

    const http = await listenHttp(options.listenHttp, [healthMount(served.health)], () => crowdBounds(policy().limits), log);
    running.push(() => http.close(HTTP_GRACE_MS));
    const { identify, answersTo, route } = served;
    const ssh = await listenSsh({
      ...{ ...options.listenSsh, identify, answersTo, route, log, tracing, hostKeys: () => keyring.current },
      limits: limitsBy(policy),
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
    const state = await served.leadership.state();
    log.info('ready', {
      ...{ ssh: `${ssh.host}:${ssh.port}`, http: `${http.host}:${http.port}` },
      ...{ leader: state.leader, profile: composed.profile, host_keys: shownKeys(hostKeys()) },
    });
    checkPushUrl(policy().pushUrl, options.listenSsh, ssh, log);
    return { ssh, http, leadership: state, hostKeys: hostKeys(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
