import { type Change, changeProfile, findProfile, type ListedPlugin, type Profile } from '../../plugins/host/index.js';
import type { PortName } from '../../ports/tokens.js';

/** Which adapters a Stargate is composed of. */
export interface ProfileChoice {
  readonly profile: string;
  /** The remote that leads to the mirror; undefined: as the profile says. */
  readonly mirrorRemote: string | undefined;
  /** Packages or paths of plugins besides the profile's own. A path as mere text is relative to the working directory. */
  readonly plugins: readonly (string | ListedPlugin)[];
  /** Values of adapters that stand above the profile's, the weakest first. */
  readonly changes?: readonly Change[];
}

/** Ports that a profile from before them doesn't name: they are then what the `embedded` profile says. */
const LATER_PORTS: readonly PortName[] = [
  'repository-host',
  'repository-upkeep',
  'bundle-archive',
  'git-service',
  'tracing',
  'object-exchange',
];

/** Whether a profile's mirror is a remote that git pushes to, so that `init` needs its address. */
export async function mirrorsByGit({ profile }: Pick<ProfileChoice, 'profile'>): Promise<boolean> {
  return (await findProfile(profile)).adapters['mirror-target']?.use === 'mirror-git';
}

/** The profile with what the command line, the environment and the repository change about it. */
export async function chooseProfile({ profile: name, mirrorRemote, plugins, changes = [] }: ProfileChoice): Promise<Profile> {
  const profile = await findProfile(name);
  const usual = await findProfile('embedded');
  const later = Object.fromEntries(
    LATER_PORTS.flatMap((port) => {
      const choice = usual.adapters[port];
      return choice === undefined ? [] : [[port, { ...choice, file: usual.file }] as const];
    }),
  );
  const target = profile.adapters['mirror-target'];
  const remote: Change[] =
    mirrorRemote === undefined || target?.use !== 'mirror-git'
      ? []
      : [{ path: ['mirror-target', 'remote'], text: mirrorRemote, place: { source: 'flag', where: '--mirror-remote' } }];
  const more = plugins.map((plugin) => (typeof plugin === 'string' ? onCommandLine(plugin) : plugin));
  const whole = { ...profile, plugins: [...profile.plugins.map((one) => fromFile(one, profile)), ...more] };
  return changeProfile({ ...whole, adapters: { ...later, ...profile.adapters } }, [...changes, ...remote]);
}

function onCommandLine(use: string): ListedPlugin {
  return { use, from: `${process.cwd()}/plugins`, place: { source: 'flag', where: '--plugin' } };
}

function fromFile(plugin: Profile['plugins'][number], { file }: Profile): ListedPlugin {
  return typeof plugin === 'string' ? { use: plugin, from: file, place: { source: 'profile', where: file } } : plugin;
}
