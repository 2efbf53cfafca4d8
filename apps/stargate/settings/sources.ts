import { type Change, loosely, type ValuePlace } from '../../../plugins/host/index.js';
import type { CloneConfig } from '../../../ports/clone/clone-config.js';
import { KvError } from '../../../ports/error.js';
import { nearest } from '../../../ports/grammar/nearest.js';
import { configKeyOf, PREFIX, SETTING_NAMES, type SettingName, variableOf } from './table.js';

/** What one source says. */
export interface Said {
  readonly settings: ReadonlyMap<SettingName, { readonly value: string; readonly place: ValuePlace }>;
  /** Values of adapters. */
  readonly changes: readonly Change[];
  /** Plugins besides the profile's. */
  readonly plugins: readonly { readonly use: string; readonly place: ValuePlace }[];
}

const PLUGINS = `${PREFIX}PLUGINS`;
/** Variables of the same prefix that are no settings. */
const OTHERS = new Set(
  ['FAILPOINT', 'STARGATE', 'DATA_DIR', 'CACHE_DIR', 'CONFIG_DIR', 'NPM_REGISTRY'].map((name) => `${PREFIX}${name}`),
);

/**
 * What the environment says: `GIT_KV_LISTEN_SSH`, `GIT_KV_PLUGINS` (separated by commas), and of adapters
 * `GIT_KV_<PORT>__[<WRAPPER>__]<KEY>`. Throws `CONFIG_INVALID` for a variable that is nearly the name of another; others of the prefix are
 * somebody else's.
 */
export function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Said {
  const settings: [SettingName, { value: string; place: ValuePlace }][] = [];
  const changes: Change[] = [];
  const plugins: { use: string; place: ValuePlace }[] = [];
  const names = new Map(SETTING_NAMES.map((name) => [variableOf(name), name]));
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || OTHERS.has(variable) || value === undefined || value === '') continue;
    const place: ValuePlace = { source: 'environment', where: variable };
    const name = names.get(variable);
    if (name !== undefined) settings.push([name, { value, place }]);
    else if (variable === PLUGINS) plugins.push(...value.split(',').map((use) => ({ use: use.trim(), place })));
    else if (variable.includes('__')) changes.push({ path: variable.slice(PREFIX.length).split('__'), text: value, place });
    else refuseNear(variable, [...names.keys(), PLUGINS]);
  }
  return { settings: new Map(settings), changes, plugins };
}

function refuseNear(variable: string, known: readonly string[]): void {
  const near = nearest(
    variable.slice(PREFIX.length),
    known.map((name) => name.slice(PREFIX.length)),
  );
  if (near === undefined) return;
  throw new KvError('CONFIG_INVALID', `${variable}: no variable is called so`, { hint: `did you mean '${PREFIX}${near}'?` });
}

/**
 * What the repository's configuration says: `stargate.listenSsh`, `stargate.plugin` (any number of times), and of adapters
 * `stargate.<port>[.<wrapper>].<key>`. Throws `CONFIG_INVALID` for another key of the section.
 */
export function fromRepository(config: CloneConfig): Said {
  const settings: [SettingName, { value: string; place: ValuePlace }][] = [];
  const changes: Change[] = [];
  const plugins: { use: string; place: ValuePlace }[] = [];
  const names = new Map(SETTING_NAMES.map((name) => [loosely(configKeyOf(name)), name]));
  for (const key of config.names()) {
    if (!key.startsWith('stargate.')) continue;
    const place: ValuePlace = { source: 'repository', where: `git config ${key}` };
    const value = config.get(key) ?? '';
    const path = key.split('.').slice(1);
    const name = names.get(loosely(key));
    if (name !== undefined) settings.push([name, { value, place }]);
    else if (key === 'stargate.plugin') plugins.push(...config.all(key).map((use) => ({ use, place })));
    else if (path.length > 1) changes.push({ path, text: value, place });
    else {
      const known = [...SETTING_NAMES.map(configKeyOf), 'stargate.plugin'];
      const near = nearest(key, known);
      const hint = near === undefined ? `there are: ${known.join(', ')}, and stargate.PORT.KEY` : `did you mean '${near}'?`;
      throw new KvError('CONFIG_INVALID', `git config ${key}: no setting is called so`, { hint });
    }
  }
  return { settings: new Map(settings), changes, plugins };
}

/** What flags say; `set` are those of `--set PORT.KEY=VALUE`. Throws `USAGE`. */
export function fromFlags(flags: Readonly<Record<string, unknown>>, set: readonly string[], plugin: readonly string[]): Said {
  const settings = SETTING_NAMES.flatMap((name) => {
    const value = flags[name];
    const place: ValuePlace = { source: 'flag', where: `--${name}` };
    return typeof value === 'string' ? [[name, { value, place }] as const] : [];
  });
  const changes = set.map((text): Change => {
    const [, path, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (path === undefined || value === undefined)
      throw new KvError('USAGE', `--set wants PORT.KEY=VALUE, and got '${text}'`, {
        hint: 'such as --set journal.path=/var/kv/journal',
      });
    return {
      path: path
        .replace(/^adapters\./, '')
        .replace('.config.', '.')
        .split('.'),
      text: value,
      place: { source: 'flag', where: `--set ${path}` },
    };
  });
  return {
    settings: new Map(settings),
    changes,
    plugins: plugin.map((use) => ({ use, place: { source: 'flag', where: '--plugin' } })),
  };
}
