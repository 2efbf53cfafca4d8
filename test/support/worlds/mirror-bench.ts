import { rename } from 'node:fs/promises';
import type { MirrorTarget } from '../../../ports/index.js';
import type { MirrorBench } from '../../contracts/mirror-target.js';
import { Sandbox } from './sandbox.js';

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
  const sandbox = new Sandbox();
  const { env } = sandbox;
  const stargate = sandbox.bare('stargate.git', format);
  const mirror = sandbox.path('mirror.git');
  if (more.mirrorExists ?? true) sandbox.bare('mirror.git', format);
  sandbox.git(stargate, 'remote', 'add', 'github-origin', mirror);
  const tree = sandbox.git(stargate, 'hash-object', '-w', '-t', 'tree', '/dev/null');
  const commit = (message: string, ...parents: string[]): string =>
    sandbox.git(stargate, 'commit-tree', '-m', message, ...parents.flatMap((parent) => ['-p', parent]), tree);
  const a = commit('a');
  const b = commit('b', a);
  const c = commit('c', b);
  const x = commit('x', a);
  return {
    target: await open({ stargate, mirror, env }),
    commits: { a, b, c, x },
    localRef: async (ref) => sandbox.git(stargate, 'for-each-ref', '--format=%(objectname)', ref) || null,
    async meddle(ref, oid) {
      sandbox.git(stargate, 'push', '--quiet', '--force', mirror, `${oid ?? ''}:${ref}`);
    },
    vanish: () => rename(mirror, `${mirror}.away`),
    dispose: async () => sandbox.remove(),
  };
}
