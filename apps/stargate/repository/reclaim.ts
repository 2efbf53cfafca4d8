import { join } from 'node:path';
import type { Oid } from '../../../ports/vocabulary.js';
import { runGit } from './git.js';
import { serviceEnv } from './git-process.js';
import { exists } from './epoch-bundle.js';

/** Loose objects younger than this stay: an operator's own git may be about to point a ref at one. */
const YOUNG = '10.minutes.ago';

/**
 * Deletes the objects that no ref reaches. To be run while no push is at hand and no commit can be: a push that was validated
 * against an object which goes away here would land broken.
 */
export async function dropUnreachable(gitDir: string): Promise<void> {
  const git = commandsIn(gitDir);
  const info = join(gitDir, 'objects', 'info');
  const split = await exists(join(info, 'commit-graphs'));
  // First of all: a commit-graph that knows commits which are gone makes git complain in every fetch.
  if (split || (await exists(join(info, 'commit-graph')))) {
    await git('commit-graph', 'write', '--reachable', '--no-progress', ...(split ? ['--split=replace'] : []));
  }
  await git('repack', '-a', '-d', '-l', '-q');
  await git('prune', `--expire=${YOUNG}`);
}

/** Bytes of all objects on disk, as `git count-objects` counts them. */
export async function objectBytes(gitDir: string): Promise<number> {
  const lines = (await commandsIn(gitDir)('count-objects', '-v')).split('\n');
  const kib = (name: string): number => Number(lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? 0);
  return 1024 * (kib('size') + kib('size-pack'));
}

/** Bytes on disk of what some commits reach. */
export async function reachableBytes(gitDir: string, tips: Iterable<Oid>): Promise<number> {
  const input = [...tips].map((oid) => `${oid}\n`).join('');
  return Number(await commandsIn(gitDir, input)('rev-list', '--objects', '--disk-usage', '--stdin'));
}

function commandsIn(gitDir: string, input = ''): (...args: string[]) => Promise<string> {
  return (...args) => runGit(['-C', gitDir, ...args], { env: serviceEnv(gitDir, undefined), input });
}
