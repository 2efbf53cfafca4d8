import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openGitStore } from '../../adapters/git-cli/open.js';
import type { GitStore } from '../../ports/git/git-store.js';
import type { RefName } from '../../ports/vocabulary.js';
import type { Ran } from '../support/programs/processes.js';
import type { World } from '../support/worlds/world.js';
import { Forger } from './forger.js';

export type { Forged, Forgery } from './forger.js';

/** Builds transactions in one person's clone, and pushes them with plain git. */
export class Forge extends Forger {
  private constructor(
    readonly world: World,
    person: string,
    store: GitStore,
  ) {
    super(person, store);
  }

  static async open(world: World, person: string): Promise<Forge> {
    return new Forge(world, person, await openGitStore({ directory: world.clonePath(person), env: world.env(person) }));
  }

  get pushUrl(): string {
    return this.world.pushUrl;
  }

  protected async fetch(names: readonly RefName[]): Promise<void> {
    await this.push(['fetch', '-q', this.pushUrl, ...names.map((name) => `+${name}:refs/forge/${name}`)]);
  }

  async sign(payload: Uint8Array, person: string): Promise<string> {
    const file = join(this.world.dir, `payload-${process.pid}`);
    await writeFile(file, payload);
    const ran = await this.world.run('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'git', '-f', this.world.key(person), file]);
    if (ran.code !== 0) throw new Error(ran.stderr);
    const signature = await readFile(`${file}.sig`, 'utf8');
    await Promise.all([rm(file), rm(`${file}.sig`)]);
    return signature.trimEnd();
  }

  /** Plain git, in the clone, with this person's key. */
  push(args: readonly string[], person = this.person): Promise<Ran> {
    return this.world.git(this.world.clonePath(this.person), person, args);
  }
}
