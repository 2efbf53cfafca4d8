import { join, resolve } from 'node:path';

/** An environment as an adapter is given it. */
type Environment = Readonly<Record<string, string | undefined>>;

/** The bare repository that this adapter keeps, and the two environments in which git works on it. */
export interface Hosted {
  /** Absolute. */
  readonly gitDir: string;
  /** For what the host does on its own account, such as reaching the mirror: the user's, without what would point git elsewhere. */
  readonly ownEnv: Readonly<Record<string, string>>;
  /** For what works on the objects alone, or serves a client: nothing of the client's, nothing of the user's. */
  readonly serviceEnv: Readonly<Record<string, string>>;
}

/** The repository at a path, which need not be there yet. */
export function hostedAt(directory: string, env: Environment): Hosted {
  const gitDir = resolve(directory);
  return { gitDir, ownEnv: ownEnv(env), serviceEnv: serviceEnv(gitDir, env) };
}

/** The folder of what the Stargate keeps beside Git's own files. */
export const stargateFolder = (gitDir: string): string => join(gitDir, '.stargate');

/** Where bundles go. */
export const archivesFolder = (gitDir: string): string => join(stargateFolder(gitDir), 'archives');

function ownEnv(env: Environment): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => !/^GIT_(?!SSH|CONFIG_(NOSYSTEM|GLOBAL)$|SSL|TRACE)/.test(name));
  const told = kept.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return { ...Object.fromEntries(told), GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
}

function serviceEnv(gitDir: string, env: Environment): Record<string, string> {
  return {
    PATH: env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: stargateFolder(gitDir),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    LC_ALL: 'C',
  };
}
