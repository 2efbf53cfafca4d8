import { KvError } from '../../../ports/error.js';
import { runGit } from './run-git.js';
import type { Environment, GitPlace } from './run-git.js';

/** Has all that is used here; `gpg.format=ssh` is the newest of it. */
const OLDEST = '2.34';

/** Has `core.fsync`; an earlier git syncs the packs that it receives, and never a ref. */
const SYNCS_REFS = '2.36';

/** Has `cat-file --batch-command`. */
const TAKES_COMMANDS = '2.36';

/** What not every git that may be used can do. */
export interface GitAbilities {
  /** It syncs refs when `core.fsync` says so. */
  readonly syncsRefs: boolean;
  /** `git cat-file` takes commands, and is told by one where a request ends. */
  readonly takesCommands: boolean;
}

/** Makes git tell its version on stderr besides what it is asked for: asking for it alone would cost a process. */
export const TELL_VERSION: Environment = { GIT_TRACE2_EVENT: '1' };

/** Parts what a git with `TELL_VERSION` has written to stderr: its version, null when it told none, and its words. */
export function versionApart(stderr: string): { readonly version: string | null; readonly words: string } {
  const version = /^\{"event":"version",.*"exe":"([^"]+)"/m.exec(stderr)?.[1];
  return { version: version ?? null, words: stderr.replace(/^\{"event":.*\n/gm, '') };
}

/** Throws `CONFIG_INVALID` for a git that is too old; gives what this one can do. */
export async function checkVersion(place: GitPlace, told: string | null): Promise<GitAbilities> {
  const version = told ?? (await askVersion(place));
  if (!isAtLeast(version, OLDEST)) {
    throw new KvError('CONFIG_INVALID', `git ${version} is too old: git-kv needs ${OLDEST} or newer`, {
      hint: `install git ${OLDEST} or newer and make sure that it comes first on the PATH`,
    });
  }
  return { syncsRefs: isAtLeast(version, SYNCS_REFS), takesCommands: isAtLeast(version, TAKES_COMMANDS) };
}

/** For a git from before 2.22, which tells nothing by itself. */
async function askVersion(place: GitPlace): Promise<string> {
  const { stdout } = await runGit(place, ['version']);
  return /^git version (\S+)/.exec(stdout.toString('utf8'))?.[1] ?? 'of an unknown version';
}

/** By major and minor number, whatever a packager has added to them. */
function isAtLeast(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
