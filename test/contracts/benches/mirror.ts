import { execFile } from 'node:child_process';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { MirrorTarget } from '../../../ports/index.js';
import type { MirrorBench } from '../mirror-target.js';
import { testFolder } from './folder.js';

/** Where a mirror target is opened. */
export interface MirrorPlace {
  /** A Stargate's bare repository, whose remote `github-origin` leads to the mirror. */
  readonly directory: string;
  /** The mirror's bare repository, which is there. */
  readonly mirror: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const PERSON = { NAME: 'Ada', EMAIL: 'ada@example.org', DATE: '2026-01-01T00:00:00Z' };
const ENV: Readonly<Record<string, string | undefined>> = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  ...Object.fromEntries(
    Object.entries(PERSON).flatMap(([key, value]) => ['AUTHOR', 'COMMITTER'].map((who) => [`GIT_${who}_${key}`, value])),
  ),
};

/** A bench for `mirrorTargetContract`: two bare repositories, of which git makes and reads what the suite asks for. */
export async function mirrorBench(open: (place: MirrorPlace) => Promise<MirrorTarget>): Promise<MirrorBench> {
  const folder = await testFolder();
  const [directory, mirror] = [join(folder.path, 'stargate.git'), join(folder.path, 'mirror.git')];
  const run = promisify(execFile);
  const git = async (...args: string[]): Promise<string> =>
    (await run('git', args, { env: ENV, cwd: folder.path })).stdout.trim();
  const here = (...args: string[]): Promise<string> => git('--git-dir', directory, ...args);
  for (const path of [directory, mirror]) await git('init', '--quiet', '--bare', path);
  await here('remote', 'add', 'github-origin', mirror);
  const tree = await here('hash-object', '-w', '-t', 'tree', '/dev/null');
  const commit = (message: string, ...parents: string[]): Promise<string> =>
    here('commit-tree', '-m', message, ...parents.flatMap((parent) => ['-p', parent]), tree);
  const a = await commit('a');
  const b = await commit('b', a);
  const c = await commit('c', b);
  const x = await commit('x', a);
  return {
    target: await open({ directory, mirror, env: ENV }),
    commits: { a, b, c, x },
    localRef: async (ref) => (await here('for-each-ref', '--format=%(objectname)', ref)) || null,
    async meddle(ref, oid) {
      await here('push', '--quiet', '--force', mirror, `${oid ?? ''}:${ref}`);
    },
    vanish: () => rename(mirror, `${mirror}.away`),
    dispose: () => folder.remove(),
  };
}
