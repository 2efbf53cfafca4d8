import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, open } from '../../../adapters/mirror-bundle/open.js';
import { signatureVerifier } from '../../../adapters/signature-verifier/open.js';
import type { AdapterContext, MirrorTarget, ObjectFormat, Oid, PortName } from '../../../ports/index.js';
import type { MirrorBench } from '../../contracts/mirror-target.js';
import { makeKey } from '../keys.js';
import { Sandbox } from '../worlds/sandbox.js';
import { alone } from '../alone.js';

/** The id of the repository whose links these are. */
export const BUNDLED_ID = 'ab'.repeat(16);

/** Opens the adapter over a repository. */
export function openBundles(directory: string, env: Record<string, string>, config: Partial<Config>): Promise<MirrorTarget> {
  const context: AdapterContext = {
    ...alone(directory, env),
    async get<T>(port: PortName): Promise<T> {
      if (port !== 'signature-verifier') throw new Error(`mirror-bundle asks for no ${port}`);
      return signatureVerifier({ env }) as T; // the only port that it asks for
    },
  };
  return open({ key: '.stargate/ssh_host_ed25519_key', ...config }, context);
}

/** A Stargate's bare repository with four commits (a ← b ← c, and a ← x), and a folder for links beside it. */
export class BundleBench {
  readonly sandbox = new Sandbox();
  readonly stargate: string;
  readonly folder: string;
  readonly commits: MirrorBench['commits'];
  private others = 0;

  constructor(readonly format: ObjectFormat) {
    const { sandbox } = this;
    this.stargate = sandbox.bare('stargate.git', format);
    this.folder = sandbox.path('links');
    mkdirSync(join(this.stargate, '.stargate'));
    makeKey(join(this.stargate, '.stargate', 'ssh_host_ed25519_key'), 'stargate');
    writeFileSync(join(this.stargate, '.stargate', 'repository-id'), `${BUNDLED_ID}\n`);
    const commit = (message: string, ...parents: Oid[]): Oid => {
      const made = (args: readonly string[], input: string): Oid =>
        sandbox
          .run('git', ['-C', this.stargate, ...args], input)
          .toString()
          .trim();
      const tree = made(['mktree'], `100644 blob ${made(['hash-object', '-w', '--stdin'], message)}\tfile\n`);
      return sandbox.git(this.stargate, 'commit-tree', '-m', message, ...parents.flatMap((parent) => ['-p', parent]), tree);
    };
    const a = commit('a');
    const b = commit('b', a);
    this.commits = { a, b, c: commit('c', b), x: commit('x', a) };
  }

  open(config: Partial<Config> = { folder: this.folder }): Promise<MirrorTarget> {
    return openBundles(this.stargate, this.sandbox.env, config);
  }

  /** A copy of the repository that has forgotten how far the chain is, as one that was put back from a backup. */
  restored(): string {
    const copy = this.sandbox.path(`restored-${++this.others}.git`);
    this.sandbox.run('cp', ['-a', this.stargate, copy]);
    rmSync(join(copy, '.stargate', 'mirror-bundle'), { recursive: true, force: true });
    return copy;
  }

  /** The bench of the port's contract. Whoever meddles is another opening of the same repository. */
  async contract(): Promise<MirrorBench> {
    const { sandbox, stargate, folder, commits } = this;
    return {
      ...{ target: await this.open(), commits },
      localRef: async (ref) => sandbox.git(stargate, 'for-each-ref', '--format=%(objectname)', ref) || null,
      meddle: async (ref, next) => {
        const other = await openBundles(this.restored(), sandbox.env, { folder });
        const expected = (await other.refs([ref])).get(ref) ?? null;
        await other.push([{ ref, next, expected }]);
      },
      vanish: async () => renameSync(folder, `${folder}.away`),
      dispose: async () => sandbox.remove(),
    };
  }
}
