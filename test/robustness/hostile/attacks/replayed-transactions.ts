import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGitStore } from '../../../../adapters/git-cli/open.js';
import type { GitStore } from '../../../../ports/git/git-store.js';
import type { RefName } from '../../../../ports/vocabulary.js';
import { rejectionIn } from '../../../support/failure.js';
import { isolatedEnv } from '../../../support/worlds/isolated-env.js';
import { type Ran, run } from '../../../support/programs/processes.js';
import { type Forged, Forger } from '../../forger.js';
import type { Pushed } from './raw-push.js';

/** A writer at an address, with a repository of its own. */
class AddressForge extends Forger {
  private constructor(
    private readonly to: Pushed,
    private readonly folder: string,
    store: GitStore,
  ) {
    super('mallory', store);
  }

  static async open(to: Pushed): Promise<AddressForge> {
    const folder = await mkdtemp(join(tmpdir(), 'git-kv-attack-'));
    const env = isolatedEnv(folder, 'mallory');
    await run('git', ['init', '-q', '--bare', folder], { env });
    return new AddressForge(to, folder, await openGitStore({ directory: folder, env }));
  }

  get pushUrl(): string {
    return `ssh://git@${this.to.host}:${this.to.port}/${this.to.path}`;
  }

  async fetch(names: readonly RefName[]): Promise<void> {
    await this.push(['fetch', '-q', this.pushUrl, ...names.map((name) => `+${name}:refs/forge/${name}`)]);
  }

  async sign(payload: Uint8Array): Promise<string> {
    const file = join(this.folder, 'payload');
    await writeFile(file, payload);
    await rm(`${file}.sig`, { force: true });
    const ran = await run('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'git', '-f', this.to.keyFile, file]);
    if (ran.code !== 0) throw new Error(ran.stderr);
    return (await readFile(`${file}.sig`, 'utf8')).trimEnd();
  }

  push(args: readonly string[]): Promise<Ran> {
    const ssh = `ssh -i '${this.to.keyFile}' -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR`;
    return run('git', ['-C', this.folder, ...args], {
      env: { ...isolatedEnv(this.folder, 'mallory'), GIT_SSH_COMMAND: ssh },
    });
  }

  override async close(): Promise<void> {
    await super.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * A writer's key, of a namespace `main` that there is: pushes signed transactions whose id is that of the newest one, or of no time that
 * there was, and such as were made for another repository or for none, in turn, for `ms`. Gives the code of each refusal; `TAKEN` for
 * what was not refused.
 */
export async function replayedTransactions(to: Pushed, ms: number): Promise<string[]> {
  const end = Date.now() + ms;
  const forge = await AddressForge.open(to);
  const codes: string[] = [];
  try {
    const base = await forge.base();
    const newest = await forge.opened(base.ledger?.commit ?? '');
    const used = /^KV-Txn: (.*)$/m.exec(newest.message)?.[1] ?? '';
    const attacks: (() => Promise<Forged>)[] = [
      () => forge.forge({ base, txn: used }),
      () => forge.forge({ base, txn: '0'.repeat(26) }),
      () => forge.forge({ base, txn: `7${'Z'.repeat(25)}` }),
      () => forge.forge({ base, repository: 'f'.repeat(32) }),
      () => forge.forge({ base, repository: null }),
    ];
    for (let at = 0; at < attacks.length || Date.now() < end; at++) {
      const made = await attacks[at % attacks.length]?.();
      const ran = made === undefined ? undefined : await forge.send(made);
      if (ran !== undefined) codes.push(ran.code === 0 ? 'TAKEN' : (rejectionIn(ran.stderr)?.code ?? ran.stderr));
    }
    return codes;
  } finally {
    await forge.close();
  }
}
