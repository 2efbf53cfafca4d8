import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGitStore } from '../../../../adapters/git-cli/open.js';
import type { GitStore } from '../../../../ports/git/git-store.js';
import type { RefName } from '../../../../ports/vocabulary.js';
import { isolatedEnv } from '../../../support/worlds/isolated-env.js';
import { sshOptions } from '../../../support/keys.js';
import { type Ran, run } from '../../../support/programs/processes.js';
import { Forger } from '../../forger.js';

/** A Stargate, and a key that it lets in. */
export interface Victim {
  readonly host: string;
  readonly port: number;
  /** As the Stargate is asked for it, such as `kv.git`. */
  readonly path: string;
  readonly keyFile: string;
}

/** Forges transactions in a repository of its own, knowing nothing of the Stargate but its address, and pushes them with plain git. */
export class AddressForge extends Forger {
  private constructor(
    private readonly victim: Victim,
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
    store: GitStore,
  ) {
    super('forger', store);
  }

  static async open(victim: Victim): Promise<AddressForge> {
    const folder = await mkdtemp(join(tmpdir(), 'git-kv-forge-'));
    const ssh = ['ssh', ...sshOptions(victim.keyFile, join(folder, 'known_hosts'))].join(' ');
    const env = { ...isolatedEnv(folder), GIT_SSH_COMMAND: ssh, GIT_AUTHOR_NAME: 'x', LC_ALL: 'C.UTF-8' };
    await run('git', ['init', '-q', '--bare', folder], { cwd: folder, env });
    return new AddressForge(victim, folder, env, await openGitStore({ directory: folder, env }));
  }

  get pushUrl(): string {
    const { host, port, path } = this.victim;
    return `ssh://git@${host}:${port}/${path}`;
  }

  protected async fetch(names: readonly RefName[]): Promise<void> {
    await this.push(['fetch', '-q', this.pushUrl, ...names.map((name) => `+${name}:refs/forge/${name}`)]);
  }

  async sign(payload: Uint8Array): Promise<string> {
    const file = join(this.folder, 'payload');
    await writeFile(file, payload);
    const args = ['-q', '-Y', 'sign', '-n', 'git', '-f', this.victim.keyFile, file];
    const ran = await run('ssh-keygen', args, { cwd: this.folder, env: this.env });
    if (ran.code !== 0) throw new Error(ran.stderr);
    const signature = await readFile(`${file}.sig`, 'utf8');
    await Promise.all([rm(file), rm(`${file}.sig`)]);
    return signature.trimEnd();
  }

  push(args: readonly string[]): Promise<Ran> {
    return run('git', args, { cwd: this.folder, env: this.env });
  }

  override async close(): Promise<void> {
    await super.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
