import type { CrowdBounds } from '../../http/crowd.js';
import { type HttpListener, listen } from '../../http/listen.js';
import type { Mount } from '../../http/mount.js';
import { toKvError } from '../../../ports/error.js';
import { cannotListen, type Endpoint } from '../endpoints.js';
import type { Log } from '../log/log.js';

/** Serves the mounts of this Stargate. Throws `IO_ERROR` when the address can't be had. */
export async function listenHttp(
  endpoint: Endpoint,
  mounts: readonly Mount[],
  crowd: () => CrowdBounds,
  log: Log,
): Promise<HttpListener> {
  const failed = (thrown: unknown, request: string): void =>
    log.error('http.failed', { request, message: toKvError(thrown).message });
  try {
    return await listen(mounts, { ...endpoint, crowd, failed });
  } catch (cause) {
    throw cannotListen('HTTP', endpoint, cause as NodeJS.ErrnoException); // what Node's `listen` fails with
  }
}
