import { join } from 'node:path';
import { ROOT } from '../root.js';

/** An environment in which Git sees no configuration but the repository's; `person` is who commits, when that isn't configured. */
export function isolatedEnv(home: string, person?: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: home,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    // One for all of the tests' homes, each of which would fill its own.
    XDG_CACHE_HOME: join(ROOT, 'node_modules', '.cache'),
    ...(person === undefined ? {} : identity(person)),
  };
}

const identity = (person: string): Record<string, string> => ({
  GIT_AUTHOR_NAME: person,
  GIT_AUTHOR_EMAIL: `${person}@example.org`,
  GIT_COMMITTER_NAME: person,
  GIT_COMMITTER_EMAIL: `${person}@example.org`,
});
