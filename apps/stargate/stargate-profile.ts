import { resolve } from 'node:path';
import { findProfile, type Profile } from '../../plugins/host/index.js';
import type { PortName } from '../../ports/tokens.js';

/** Which adapters a Stargate is composed of. */
export interface ProfileChoice {
  readonly profile: string;
  /** The remote that leads to the mirror; undefined: as the profile says. */
  readonly mirrorRemote: string | undefined;
  /** Packages or paths of plugins besides the profile's own. A path is relative to the working directory. */
  readonly plugins: readonly string[];
}

/** Ports that a profile from before them doesn't name: they are then what the `embedded` profile says. */
const LATER_PORTS: readonly PortName[] = ['repository-host', 'repository-upkeep', 'bundle-archive', 'git-service', 'tracing'];

/** Whether a profile's mirror is a remote that git pushes to, so that `init` needs its address. */
export async function mirrorsByGit({ profile }: Pick<ProfileChoice, 'profile'>): Promise<boolean> {
  return (await findProfile(profile)).adapters['mirror-target']?.use === 'mirror-git';
}

/** The profile with what the command line changes about it. */
export async function chooseProfile({ profile: name, mirrorRemote, plugins }: ProfileChoice): Promise<Profile> {
  const profile = await findProfile(name);
  const target = profile.adapters['mirror-target'];
  const more = plugins.map((plugin) => (plugin.startsWith('.') ? resolve(plugin) : plugin));
  const remote =
    mirrorRemote === undefined || target?.use !== 'mirror-git'
      ? {}
      : { 'mirror-target': { ...target, config: { ...target.config, remote: mirrorRemote } } };
  const usual = (await findProfile('embedded')).adapters;
  const later = Object.fromEntries(LATER_PORTS.map((port) => [port, usual[port]] as const));
  const adapters = { ...later, ...profile.adapters, ...remote };
  return { ...profile, plugins: [...profile.plugins, ...more], adapters };
}
