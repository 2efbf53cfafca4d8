import type { Endpoint } from '../endpoints.js';
import type { RootParts, ServedMore } from '../root/serve-root.js';
import { accessByTokens, LOOPBACK_ONLY } from './api-access.js';
import { gitMount } from './git-mount.js';
import { openReplica } from './replica.js';
import { isLoopback, type ReplicaSettings } from './settings.js';

interface ApiOptions {
  readonly settings: ReplicaSettings;
  /** The root as it was named when the server was started. */
  readonly shownRoot: string;
  readonly listenHttp: Endpoint;
  /** A file of tokens; undefined: whoever asks from this host. */
  readonly tokenFile: string | undefined;
}

/** Opens the replication API and Git over HTTP, for the listener of a Stargate with many repositories. Throws `CONFIG_INVALID`, `IO_ERROR`. */
export async function openReplicationApi(
  parts: RootParts,
  { settings, shownRoot, listenHttp, tokenFile }: ApiOptions,
): Promise<ServedMore> {
  const { running, catalogue, visit, look, limits, log } = parts;
  const access = tokenFile === undefined ? LOOPBACK_ONLY : await accessByTokens(tokenFile);
  if (tokenFile === undefined)
    log.warn('api.loopback', {
      listening: listenHttp.host,
      effect: `any program on this host may create and read repositories${isLoopback(listenHttp.host) ? '' : '; other hosts are refused'}`,
      hint: 'give tokens with --api-token-file',
    });
  const replica = await openReplica(running, { ...parts, settings, shownRoot, access, taken: look });
  return {
    mounts: [...replica.mounts, gitMount({ find: (name) => catalogue.find(name), visit, access, limits })],
    begin: replica.begin,
  };
}
