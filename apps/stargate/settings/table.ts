/** What `serve` and its kin can be told by a flag, a variable of the environment, the repository's configuration or a profile. */
export const SETTINGS = {
  profile: { usual: 'embedded' },
  'listen-ssh': { usual: '127.0.0.1:2222' },
  'listen-http': { usual: '127.0.0.1:9419' },
  /** Absent: `.kv/policy.yaml` in the repository. */
  'policy-path': {},
  /** Absent: as the profile's mirror says. */
  'mirror-remote': {},
  'sample-size': { usual: '32' },
} as const satisfies Readonly<Record<string, { readonly usual?: string }>>;

/** A setting's name: its flag without the dashes. */
export type SettingName = keyof typeof SETTINGS;

/** The names, in the order of the table. */
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[]; // the table's keys are the names

/** The variable of the environment that says the same: `GIT_KV_LISTEN_SSH`. */
export function variableOf(name: SettingName): string {
  return `${PREFIX}${name.replaceAll('-', '_').toUpperCase()}`;
}

/** The key of the repository's configuration that says the same: `stargate.listenSsh`. */
export function configKeyOf(name: SettingName): string {
  return `stargate.${name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())}`;
}

/** What all variables that a Stargate reads begin with. */
export const PREFIX = 'GIT_KV_';
