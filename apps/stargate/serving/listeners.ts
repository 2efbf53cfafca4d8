import type { NamedHostKey } from '../../../domain/ledger/host-keys.js';
import { toKvError } from '../../../ports/error.js';
import type { Tracing } from '../../../ports/tracing.js';
import type { CrowdBounds } from '../../http/crowd.js';
import type { Mount } from '../../http/mount.js';
import { type Endpoint, removeEndpoints, writeEndpoints } from '../endpoints.js';
import type { Keyring } from '../host-key/keyring.js';
import { listenHttp } from '../http/listen.js';
import type { LeadershipState } from '../leader/leadership.js';
import type { Log } from '../log/log.js';
import type { Metrics } from '../metrics.js';
import type { UndoStack } from '../process/undo.js';
import { logRefused } from '../push/push-line.js';
import type { Identify } from '../ssh/auth.js';
import type { Reach } from '../ssh/reach.js';
import { listenSsh, type SshLimits } from '../ssh/server.js';

/** What a daemon is, once it serves. */
export interface Daemon {
  readonly ssh: Endpoint;
  readonly http: Endpoint;
  /** Who led when the daemon had started: this one, when it had won the lease; null where each of many repositories has a lease of its own. */
  readonly leadership: LeadershipState | null;
  readonly hostKeys: readonly NamedHostKey[];
  /** Finishes the push at hand (for at most 30 s), gives leases up and closes everything. */
  stop(): Promise<void>;
}

interface ListenersOptions {
  /** Where `.stargate/endpoints.json` tells the addresses. */
  readonly home: string;
  readonly listenSsh: Endpoint;
  readonly listenHttp: Endpoint;
  readonly mounts: readonly Mount[];
  readonly crowd: () => CrowdBounds;
  readonly identify: Identify;
  readonly reach: Reach;
  readonly limits: () => SshLimits;
  readonly tracing: Tracing;
  readonly keyring: Pick<Keyring, 'current'>;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** The listeners of a daemon. */
export interface Listeners {
  readonly ssh: Endpoint;
  readonly http: Endpoint;
  /** Ends the connections and commands that the policies, as they are now, don't allow. */
  review(): void;
  /** Writes the addresses down. Never throws. */
  tell(): Promise<void>;
}

const GRACE_MS = 30_000;
/** For one answer over HTTP that is being written when the daemon ends. */
const HTTP_GRACE_MS = 1000;

/** Listens for HTTP and SSH, and tells where. Throws `IO_ERROR` when an address can't be had. */
export async function startListeners(running: Pick<UndoStack, 'push'>, options: ListenersOptions): Promise<Listeners> {
  const { home, mounts, crowd, identify, reach, limits, tracing, keyring, metrics, log } = options;
  const http = await listenHttp(options.listenHttp, mounts, crowd, log);
  running.push(() => http.close(HTTP_GRACE_MS));
  const ssh = await listenSsh({
    ...{ ...options.listenSsh, identify, reach, limits, log, tracing, hostKeys: () => keyring.current },
    pushRefused(session, error, ms) {
      metrics.rejected(error.code);
      logRefused(log, session, error, { commands: [], transactions: [], bytes: 0, ms, gatewayMs: 0 });
    },
  });
  running.push(() => ssh.close(GRACE_MS));
  const tell = async (): Promise<void> => {
    await writeEndpoints(home, { ssh, http }).catch((error: unknown) =>
      log.warn('endpoints.untold', { message: toKvError(error).message }),
    );
  };
  await tell();
  running.push(() => removeEndpoints(home));
  return { ssh, http, review: ssh.review, tell };
}
