import { basename, dirname } from 'node:path';
import type { FileCommit } from '../../../ports/index.js';
import type { Hosted } from '../process/hosted.js';
import { askGit } from '../process/run-git.js';

/** Whatever the work tree's configuration says, no program of its choice runs. */
const TAME = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '-c', 'log.showSignature=false'];

/** Milliseconds; it is a nicety. */
const PATIENCE_MS = 10_000;

/** The newest commit of a file in the work tree that it lies in; null when there is none, or the file is not as it was committed. */
export async function fileCommit({ ownEnv: env }: Hosted, path: string): Promise<FileCommit | null> {
  const name = basename(path);
  const git = async (...args: string[]): Promise<string | null> => {
    const { status, stdout } = await askGit([...TAME, '-C', dirname(path), ...args], { env, timeout: PATIENCE_MS });
    return status === 0 ? stdout.trim() : null;
  };
  if ((await git('rev-parse', '--is-inside-work-tree')) !== 'true') return null;
  const committed = await git('rev-parse', '--verify', '--quiet', `HEAD:./${name}`);
  if (committed === null || committed !== (await git('hash-object', '--no-filters', '--', name))) return null;
  const [oid = '', author = ''] = ((await git('log', '-1', '--format=%H%n%an <%ae>', 'HEAD', '--', name)) ?? '').split('\n');
  return oid === '' ? null : { oid, author };
}
