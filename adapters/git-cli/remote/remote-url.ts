import { KvError } from '../../../ports/error.js';
import type { Direction } from '../../../ports/git/git-remote.js';
import { readConfig } from '../config/read-config.js';
import { checkRemote, checkUrl } from '../process/guard.js';
import type { GitPlace } from '../process/run-git.js';

/** Git's configuration, every value of every key. */
export interface ConfiguredValues {
  all(key: string): readonly string[];
  /** The keys that are set, section and variable in lower case. */
  names(): readonly string[];
}

/** The configuration as it is at this moment, from a process of its own. Throws as `readConfig` does. */
export async function configuredAt(place: GitPlace): Promise<ConfiguredValues> {
  const values = await readConfig(place);
  return { all: (key) => values.get(key) ?? [], names: () => [...values.keys()] };
}

/** The URL that a remote has for a direction; null when none is configured. Throws `INPUT_INVALID` for what is no remote's name. */
export function remoteUrl(config: ConfiguredValues, remote: string, direction: Direction): string | null {
  const [url] = config.all(`remote.${checkRemote(remote)}.${direction === 'read' ? 'url' : 'pushurl'}`);
  return url ?? null;
}

/** The Stargate's URL, which a program may be given. Throws `CONFIG_INVALID` when there is none, or one that is not to be trusted. */
export function stargateUrl(config: ConfiguredValues, remote: string): string {
  const url = remoteUrl(config, remote, 'write');
  if (url !== null) return checkUrl(url);
  throw new KvError('CONFIG_INVALID', `the remote '${remote}' has no pushurl, so there is no Stargate to write to`, {
    hint: 'set the remote up first',
    advice: { id: 'set-up-remote' },
  });
}
