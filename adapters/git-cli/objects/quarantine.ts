import { basename, dirname, isAbsolute } from 'node:path';
import { KvError } from '../../../ports/error.js';
import type { Environment } from '../process/run-git.js';

/** The environment in which git reads the quarantine of a running push and, behind it, the repository. */
export function quarantineEnvironment(quarantine: string): Environment {
  if (!isAbsolute(quarantine) || !/^(tmp_objdir-)?incoming-[A-Za-z0-9]+$/.test(basename(quarantine))) {
    throw new KvError('INPUT_INVALID', `'${quarantine}' is not a receive-pack quarantine`, {
      hint: 'pass the absolute path that git gives its hooks as GIT_QUARANTINE_PATH',
    });
  }
  return {
    GIT_OBJECT_DIRECTORY: quarantine,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(dirname(quarantine)),
    GIT_QUARANTINE_PATH: quarantine,
  };
}

/** The variable is a list with colons between; a path that would break it is quoted as in C. */
function quoted(path: string): string {
  return /[:"\\]/.test(path) ? `"${path.replace(/(["\\])/g, '\\$1')}"` : path;
}
