import type { FoundPlugin } from '../../../plugins/host/index.js';
import type { Clock } from '../../../ports/clock.js';
import type { Tracing } from '../../../ports/tracing.js';
import { crowdBounds } from '../../http/crowd.js';
import { healthMount } from '../../http/health-mount.js';
import type { Endpoint } from '../endpoints.js';
import { openPeers } from '../cluster/peers/open-peers.js';
import { namedKeys, openKeyring, shownKeys } from '../host-key/keyring.js';
import { createMetrics } from '../metrics.js';
import type { Log } from '../log/log.js';
import { composeRepository } from './composed-repository.js';
import { type Daemon, startListeners } from './listeners.js';
import { type ServedRepository, serveRepository } from './served-repository.js';
import { limitsBy } from '../ssh/access.js';
import { reachOne } from '../ssh/reach.js';
import { checkPushUrl } from '../ssh/push-url.js';
import type { ProfileChoice } from '../stargate-profile.js';
import { undoStack } from '../process/undo.js';

/** Which repository is served, and where. */
export interface ServeOneOptions extends ProfileChoice {
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

/** What is said of who changed a policy that is published anew for the host keys beside it. */
const KEYS_CHANGED = [['Reason', 'the host keys changed']] as const;

/** Starts a Stargate over one repository. Throws `CONFIG_INVALID`, `IO_ERROR`, and what recovery throws. */
export async function serveOne(options: ServeOneOptions): Promise<Daemon> {
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
    let review: () => void = (): void => undefined;
    /** Set once there are addresses to tell: without room, the file that tells them is for later. */
    let tellEndpoints = async (): Promise<void> => undefined;
    const dispatch = await openPeers(running, composition, gitDir, log);
    const served = await serveRepository(composed, {
      dispatch,
      ...{ hostKeys, metrics, started, sampleSize, log },
      review: () => review(),
      onRoom: () => void tellEndpoints(),
    });
    repository = served;
    running.push(() => served.close());
    const policy = () => served.policy().policy;

    const listeners = await startListeners(running, {
      ...{ home: gitDir, listenSsh: options.listenSsh, listenHttp: options.listenHttp, keyring, metrics, tracing, log },
      mounts: [healthMount(served.health)],
      crowd: () => crowdBounds(policy().limits),
      identify: served.identify,
      reach: reachOne(served),
      limits: limitsBy(policy),
    });
    ({ review, tell: tellEndpoints } = listeners);
    const { ssh, http } = listeners;
    const state = await served.leadership.state();
    log.info('ready', {
      ...{ ssh: `${ssh.host}:${ssh.port}`, http: `${http.host}:${http.port}` },
      ...{ leader: state.leader, profile: composed.profile, host_keys: shownKeys(hostKeys()) },
    });
    if (state.leader) checkPushUrl(policy().pushUrl, options.listenSsh, ssh, log); // what stands by is not where anybody pushes
    return { ssh, http, leadership: state, hostKeys: hostKeys(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
