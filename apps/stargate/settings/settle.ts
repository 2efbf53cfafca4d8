import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import {
  type Change,
  changeProfile,
  findProfile,
  type ListedPlugin,
  openProfile,
  type Profile,
  type ValuePlace,
} from '../../../plugins/host/index.js';
import type { CloneConfig } from '../../../ports/clone/clone-config.js';
import { KvError } from '../../../ports/error.js';
import { nearest } from '../../../ports/grammar/nearest.js';
import { ownEnv } from '../process/environment.js';
import type { ProfileChoice } from '../stargate-profile.js';
import { fromEnvironment, fromFlags, fromRepository, type Said } from './sources.js';
import { SETTING_NAMES, SETTINGS, type SettingName } from './table.js';

/** A setting in force; undefined: nobody says anything, and there is no usual value. */
export interface Setting {
  readonly value: string | undefined;
  readonly place: ValuePlace;
}

/** What holds when all sources have been heard. */
export interface Settled {
  readonly settings: Readonly<Record<SettingName, Setting>>;
  readonly choice: ProfileChoice;
}

/** The flags that say something of settings, as they were given. */
export interface SettlingFlags {
  readonly set?: readonly string[] | undefined;
  readonly plugin?: readonly string[] | undefined;
  readonly [name: string]: unknown;
}

/**
 * What holds for a Stargate: a flag before the environment, before the repository's configuration, before the profile, before what is
 * usual. `gitDir` is null where there is no one repository to ask. Throws `CONFIG_INVALID` naming the place of what is wrong, `USAGE`.
 */
export async function settle(
  gitDir: string | null,
  flags: SettlingFlags,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Settled> {
  // The strongest first.
  const sources = [
    fromFlags(flags, flags.set ?? [], flags.plugin ?? []),
    fromEnvironment(env),
    gitDir === null ? NOTHING_SAID : await repositorySays(gitDir),
  ];
  const above = (name: SettingName): Setting | undefined => sources.map(({ settings }) => settings.get(name)).find(Boolean);
  const named = above('profile') ?? { value: SETTINGS.profile.usual, place: DEFAULT };
  const profile = await findProfile(named.value ?? SETTINGS.profile.usual);
  checkNames(profile);
  const settingOf = (name: SettingName): Setting => {
    if (name === 'profile') return named;
    const spec: { readonly usual?: string } = SETTINGS[name];
    return above(name) ?? inProfile(profile, name) ?? { value: spec.usual, place: DEFAULT };
  };
  const settings = Object.fromEntries(SETTING_NAMES.map((name) => [name, settingOf(name)])) as Record<SettingName, Setting>; // all names
  const changes = [...sources].reverse().flatMap((source) => source.changes);
  const remote = settings['mirror-remote'];
  const target = changeProfile(profile, changes).adapters['mirror-target'];
  const toRemote: Change[] =
    remote.value === undefined || target?.use !== 'mirror-git'
      ? []
      : [{ path: ['mirror-target', 'remote'], text: remote.value, place: remote.place }];
  const plugins = sources.flatMap((source) => source.plugins.map((plugin) => listed(plugin, gitDir ?? process.cwd())));
  const choice = { profile: named.value ?? '', mirrorRemote: undefined, plugins, changes: [...changes, ...toRemote] };
  return { settings, choice };
}

const DEFAULT: ValuePlace = { source: 'default', where: '' };

const NOTHING_SAID: Said = { settings: new Map(), changes: [], plugins: [] };

async function repositorySays(gitDir: string): Promise<Said> {
  const there = await stat(gitDir).catch(() => null); // whoever needs the repository says that it isn't there
  if (there?.isDirectory() !== true) return NOTHING_SAID;
  const adapters = { 'clone-config': { use: 'git-cli', line: 1, wrap: [] } };
  const reader: Profile = { name: 'settings', file: 'settings', plugins: [], adapters };
  const composition = await openProfile(reader, { directory: gitDir, env: ownEnv() });
  try {
    return fromRepository(await composition.get<CloneConfig>('clone-config'));
  } finally {
    await composition.close();
  }
}

function checkNames({ settings = {} }: Profile): void {
  const known: readonly string[] = SETTING_NAMES.filter((name) => name !== 'profile');
  for (const [name, { place }] of Object.entries(settings)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new KvError('CONFIG_INVALID', `${place.where}: settings.${name}: unknown key`, {
      hint: near === undefined ? `there are: ${known.join(', ')}` : `did you mean '${near}'?`,
    });
  }
}

/** A path in a profile starts from the profile's file. */
function inProfile({ settings = {} }: Profile, name: SettingName): Setting | undefined {
  const found = Object.hasOwn(settings, name) ? settings[name] : undefined;
  if (found === undefined || name !== 'policy-path' || isAbsolute(found.value)) return found;
  return { ...found, value: resolve(dirname(found.place.where.replace(/:\d+$/, '')), found.value) };
}

function listed({ use, place }: { readonly use: string; readonly place: ValuePlace }, gitDir: string): ListedPlugin {
  return { use, from: join(place.source === 'repository' ? gitDir : process.cwd(), 'plugins'), place };
}
