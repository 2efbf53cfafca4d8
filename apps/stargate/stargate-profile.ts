import { resolve } from 'node:path';
import { findProfile, type Profile } from '../../plugins/host/index.js';

export interface ProfileChoice {
  readonly profile: string;
  /** The remote that leads to the mirror; undefined: as the profile says. */
  readonly mirrorRemote: string | undefined;
  /** Packages or paths of plugins besides the profile's own. A path is relative to the working directory. */
  readonly plugins: readonly string[];
}

/** The profile with what the command line changes about it. */
export async function chooseProfile({ profile: name, mirrorRemote, plugins }: ProfileChoice): Promise<Profile> {
  const profile = await findProfile(name);
  const target = profile.adapters['mirror-target'];
  const more = plugins.map((plugin) => (plugin.startsWith('.') ? resolve(plugin) : plugin));
  const adapters =
    mirrorRemote === undefined || target?.use !== 'mirror-git'
      ? profile.adapters
      : { ...profile.adapters, 'mirror-target': { ...target, config: { ...target.config, remote: mirrorRemote } } };
  return { ...profile, plugins: [...profile.plugins, ...more], adapters };
}
