import { type Endpoint, portOfSshUrl } from '../endpoints.js';
import type { Log } from '../log/log.js';

/** Warns when the policy sends developers to another port than the one that is listened on; a port that was free to choose is not meant. */
export function checkPushUrl(pushUrl: string | null, wanted: Endpoint, listening: Endpoint, log: Log): void {
  const port = pushUrl === null ? undefined : portOfSshUrl(pushUrl);
  if (port === undefined || port === listening.port || wanted.port === 0) return;
  log.warn('policy.push-url', { push_url: pushUrl, port, listening: listening.port });
}
