import { KvError } from '../../../ports/error.js';
import type { Direction } from '../../../ports/git-remote.js';
import { readConfig } from '../config/read-config.js';
import { checkRemote, checkUrl } from '../process/guard.js';
import type { GitPlace } from '../process/run-git.js';

/** The URL that a remote has for a direction; null when none is configured. Throws `INPUT_INVALID` for what is no remote's name. */
export async function remoteUrl(place: GitPlace, remote: string, direction: Direction): Promise<string | null> {
  checkRemote(remote);
  const config = await readConfig(place);
  const [url] = config.get(`remote.${remote}.${direction === 'read' ? 'url' : 'pushurl'}`) ?? [];
  return url ?? null;
}

/** The Stargate's URL, which a program may be given. Throws `CONFIG_INVALID` when there is none, or one that is not to be trusted. */
export async function stargateUrl(place: GitPlace, remote: string): Promise<string> {
  const url = await remoteUrl(place, remote, 'write');
  if (url !== null) return checkUrl(url);
  throw new KvError('CONFIG_INVALID', `the remote '${remote}' has no pushurl, so there is no Stargate to write to`, {
    hint: 'set the remote up first',
    advice: { id: 'set-up-remote' },
  });
}
