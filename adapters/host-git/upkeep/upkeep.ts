import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { areWorthOneIndex, KvError, MANY_PACKS, type Oid, type RepositoryUpkeep } from '../../../ports/index.js';
import { checkOid } from '../process/guard.js';
import { archivesFolder, type Hosted } from '../process/hosted.js';
import { askGit, runGit } from '../process/run-git.js';
import { PackingTurns } from './packing-turns.js';

/** Loose objects younger than this stay: an operator's own git may be about to point a ref at one. */
const YOUNG = '10.minutes.ago';

/** Git's own housekeeping commands, in the environment that knows nothing of a user. */
export class GitUpkeep implements RepositoryUpkeep {
  private readonly packing: PackingTurns;

  constructor(private readonly hosted: Hosted) {
    this.packing = new PackingTurns((oid) => rm(this.looseFile(oid), { force: true }));
  }

  repack(signal?: AbortSignal): Promise<void> {
    return this.packing.pack(async () => {
      const { gitDir, serviceEnv: env } = this.hosted;
      const { status, stderr } = await askGit(['-C', gitDir, 'repack', '--geometric=2', '-d', '--quiet'], {
        env,
        signal,
        yields: true,
      });
      if (status !== 0) throw new KvError('GIT_ERROR', stderr.trim() || `git repack failed with status ${status}`);
    });
  }

  async indexPacks(signal?: AbortSignal): Promise<void> {
    const { gitDir, serviceEnv: env } = this.hosted;
    const folder = join(gitDir, 'objects', 'pack');
    try {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.pack'));
      if (names.length < MANY_PACKS) return;
      const packs = await Promise.all(names.map((name) => stat(join(folder, name))));
      const index = await stat(join(folder, 'multi-pack-index')).catch(() => null); // there is none yet
      if (!areWorthOneIndex(packs, index?.mtimeMs ?? null)) return;
      await askGit(['-C', gitDir, 'multi-pack-index', 'write'], { env, signal, yields: true });
    } catch {
      // a pack was taken away meanwhile, or git was stopped: whoever reads looks through the packs
    }
  }

  async noteUnreachable(): Promise<void> {
    await mkdir(archivesFolder(this.hosted.gitDir), { recursive: true, mode: 0o700 });
    await writeFile(this.note, '');
  }

  hasUnreachable(): Promise<boolean> {
    return exists(this.note);
  }

  dropUnreachable(): Promise<void> {
    return this.packing.pack(() => this.keepReachable());
  }

  private async keepReachable(): Promise<void> {
    const info = join(this.hosted.gitDir, 'objects', 'info');
    const split = await exists(join(info, 'commit-graphs'));
    // First of all: a commit-graph that knows commits which are gone makes git complain in every fetch.
    if (split || (await exists(join(info, 'commit-graph')))) {
      await this.git(['commit-graph', 'write', '--reachable', '--no-progress', ...(split ? ['--split=replace'] : [])]);
    }
    await this.git(['repack', '-a', '-d', '-l', '-q']);
    await this.git(['prune', `--expire=${YOUNG}`]);
    await rm(this.note, { force: true });
  }

  async dropLoose(oid: Oid): Promise<void> {
    checkOid(oid);
    await this.packing.drop(oid);
  }

  /** As `git count-objects` counts them. */
  async objectBytes(): Promise<number> {
    const lines = (await this.git(['count-objects', '-v'])).split('\n');
    const kib = (name: string): number => Number(lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? 0);
    return 1024 * (kib('size') + kib('size-pack'));
  }

  async reachableBytes(tips: Iterable<Oid>): Promise<number> {
    const input = [...tips].map((oid) => `${checkOid(oid)}\n`).join('');
    return Number(await this.git(['rev-list', '--objects', '--disk-usage', '--stdin'], input));
  }

  /** There since refs were about to go, and until their objects are gone. */
  private get note(): string {
    return join(archivesFolder(this.hosted.gitDir), 'unreclaimed');
  }

  private looseFile(oid: Oid): string {
    return join(this.hosted.gitDir, 'objects', oid.slice(0, 2), oid.slice(2));
  }

  private git(args: readonly string[], input = ''): Promise<string> {
    const { gitDir, serviceEnv: env } = this.hosted;
    return runGit(['-C', gitDir, ...args], { env, input });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false, // whatever the reason, it can't be used
  );
}
