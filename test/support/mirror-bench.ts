import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { MirrorTarget } from '../../ports/index.js';
import type { MirrorBench } from '../contracts/mirror-target.js';
import { git, isolatedEnv, temporaryFolder } from './temporary.js';

export interface BarePair {
  readonly stargate: string;
  readonly mirror: string;
  readonly env: Record<string, string>;
}

/** A Stargate's bare repository with four commits, and a bare mirror behind the remote `github-origin`. */
export async function mirrorBench(
  format: 'sha1' | 'sha256',
  open: (pair: BarePair) => Promise<MirrorTarget>,
  more: { mirrorExists?: boolean } = {},
): Promise<MirrorBench> {
  const folder = await temporaryFolder();
  const env = isolatedEnv(folder.path);
  const stargate = join(folder.path, 'stargate.git');
  const mirror = join(folder.path, 'mirror.git');
  await git(env, 'init', '--quiet', '--bare', `--object-format=${format}`, stargate);
  if (more.mirrorExists ?? true) await git(env, 'init', '--quiet', '--bare', `--object-format=${format}`, mirror);
  await git(env, '-C', stargate, 'remote', 'add', 'github-origin', mirror);
  const tree = await git(env, '-C', stargate, 'hash-object', '-w', '-t', 'tree', '/dev/null');
  const commit = (message: string, ...parents: string[]): Promise<string> =>
    git(env, '-C', stargate, 'commit-tree', '-m', message, ...parents.flatMap((parent) => ['-p', parent]), tree);
  const a = await commit('a');
  const b = await commit('b', a);
  const c = await commit('c', b);
  const x = await commit('x', a);
  return {
    target: await open({ stargate, mirror, env }),
    commits: { a, b, c, x },
    localRef: (ref) => git(env, '-C', stargate, 'rev-parse', '--verify', '--quiet', ref).catch(() => null),
    async meddle(ref, oid) {
      await git(env, '-C', stargate, 'push', '--quiet', '--force', mirror, `${oid ?? ''}:${ref}`);
    },
    vanish: () => rename(mirror, `${mirror}.away`),
    dispose: () => folder.remove(),
  };
}
