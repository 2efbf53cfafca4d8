import { KvError } from '../../../ports/error.js';
import type { Mount } from '../../http/mount.js';
import type { Endpoint } from '../endpoints.js';
import type { Log } from '../log/log.js';
import type { Catalogue } from '../root/folders/catalogue.js';
import type { RootParts } from '../root/serving/serve-root.js';
import { accessByTokens, type ApiAccess, LOOPBACK_ONLY } from './api-access.js';
import { gitMount } from './git-mount.js';
import { replicaHealthMount, reposMount } from './repos-mount.js';
import { isLoopback } from '../root/creation/settings.js';

interface ApiOptions {
  /** The root as it was named when the server was started: paths are told by it. */
  readonly shownRoot: string;
  readonly listenHttp: Endpoint;
  /** A file of tokens; undefined: whoever asks from this host. */
  readonly tokenFile: string | undefined;
}

/** Opens the replication API and Git over HTTP, for the listener of a Stargate with many repositories. Throws `CONFIG_INVALID`, `IO_ERROR`. */
export async function openReplicationApi(
  { creating, catalogue, clock, visit, limits, log }: RootParts,
  { shownRoot, listenHttp, tokenFile }: ApiOptions,
): Promise<readonly Mount[]> {
  if (creating === null) throw new KvError('UNEXPECTED', 'the API was opened without what creates repositories');
  const access = await accessOf(tokenFile, listenHttp, log);
  const { self, roster, quorum } = creating;
  return [
    replicaHealthMount({
      ...{ self, peers: roster.count, headers: () => roster.headers(), now: () => clock.now() },
      healthy: () => roster.wrong.length === 0 && roster.reachable + 1 >= quorum(),
    }),
    reposMount({
      access,
      list: () => catalogue.list(),
      pathOf: (name) => shownPath(catalogue, name, shownRoot),
      create: (repository) => creating.create(repository),
    }),
    gitMount({ find: (name) => catalogue.find(name), visit, access, limits }),
  ];
}

async function accessOf(tokenFile: string | undefined, listenHttp: Endpoint, log: Log): Promise<ApiAccess> {
  if (tokenFile !== undefined) return accessByTokens(tokenFile);
  log.warn('api.loopback', {
    listening: listenHttp.host,
    effect: `any program on this host may create and read repositories${isLoopback(listenHttp.host) ? '' : '; other hosts are refused'}`,
    hint: 'give tokens with --api-token-file',
  });
  return LOOPBACK_ONLY;
}

async function shownPath(
  catalogue: Catalogue,
  name: Parameters<Catalogue['find']>[0],
  shownRoot: string,
): Promise<string | null> {
  const found = await catalogue.find(name);
  return found === null ? null : `${shownRoot.replace(/\/+$/, '')}/${name.owner}/${name.name}.git`;
}
