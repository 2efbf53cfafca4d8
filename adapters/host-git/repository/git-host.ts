import { access, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type FileCommit,
  KvError,
  type NewRepository,
  type RefName,
  type Oid,
  type RemoteListing,
  type RepositoryForm,
  type RepositoryHost,
  type Room,
  type Upgraded,
} from '../../../ports/index.js';
import { checkRef } from '../process/guard.js';
import { type Hosted, stargateFolder } from '../process/hosted.js';
import { requireGit, runGit } from '../process/run-git.js';
import { exportRepository, restoreRepository } from './backup.js';
import { createRepository } from './create.js';
import { fileCommit } from './file-commit.js';
import { hooksInPlace, otherHooks } from './hooks.js';
import { probeWriting } from './probe-writing.js';
import { prepareQuarantine, sweepQuarantines } from './quarantines.js';
import { fetchRemote, listRemote } from './remote.js';
import { clearStaleLocks } from './stale-locks.js';
import { upgradeRepository } from './upgrade.js';

/** A bare repository on this machine's disk, kept with the git program. */
export class GitHost implements RepositoryHost {
  constructor(private readonly hosted: Hosted) {}

  checkPrograms(): Promise<void> {
    return requireGit(this.hosted.ownEnv);
  }

  create(repository: NewRepository): Promise<void> {
    return createRepository(this.hosted, repository);
  }

  async check(): Promise<void> {
    const { gitDir } = this.hosted;
    await access(join(gitDir, 'objects')).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EACCES' || cause.code === 'EPERM') {
        throw new KvError('CONFIG_INVALID', `cannot read ${gitDir}: permission denied`, {
          cause,
          hint: 'run as the owner of the repository',
        });
      }
      const what = cause.code === 'ENOENT' ? `there is no ${join(gitDir, 'objects')}` : cause.code;
      throw new KvError('CONFIG_INVALID', `${gitDir} is not a Stargate's repository: ${what}`, {
        cause,
        hint: 'correct the folder, or initialise it first',
      });
    });
    await otherHooks(gitDir); // hooks of another version are fine, foreign hooks are refused
  }

  async room(): Promise<Room> {
    const { gitDir } = this.hosted;
    try {
      const { bsize, blocks, bavail } = await statfs(gitDir);
      return { free: bsize * bavail, size: bsize * blocks };
    } catch (cause) {
      throw new KvError('IO_ERROR', `cannot see how much room there is for ${gitDir}: ${(cause as Error).message}`, { cause });
    }
  }

  probeWriting(): Promise<void> {
    return probeWriting(stargateFolder(this.hosted.gitDir));
  }

  hooksInPlace(): Promise<boolean> {
    return hooksInPlace(this.hosted.gitDir);
  }

  upgrade(): Promise<Upgraded> {
    return upgradeRepository(this.hosted);
  }

  unlock(): Promise<readonly string[]> {
    return clearStaleLocks(this.hosted.gitDir);
  }

  sweepQuarantines(olderThan: number): Promise<number> {
    return sweepQuarantines(this.hosted.gitDir, olderThan);
  }

  prepareQuarantine(path: string): Promise<void> {
    return prepareQuarantine(this.hosted.gitDir, path);
  }

  listRemote(remote: string): Promise<RemoteListing> {
    return listRemote(this.hosted, remote);
  }

  fetchRemote(remote: string, kinds: readonly string[]): Promise<void> {
    return fetchRemote(this.hosted, remote, kinds);
  }

  committerOf(path: string): Promise<FileCommit | null> {
    return fileCommit(this.hosted, path);
  }

  export(file: string, refs: ReadonlyMap<RefName, Oid>): Promise<RepositoryForm> {
    return exportRepository(this.hosted, file, refs);
  }

  restore(file: string | null, form: RepositoryForm): Promise<ReadonlyMap<RefName, Oid>> {
    return restoreRepository(this.hosted, file, form);
  }

  async setHead(branch: RefName): Promise<void> {
    if (!checkRef(branch).startsWith('refs/heads/')) throw new KvError('INPUT_INVALID', `'${branch}' is not a branch`);
    const { gitDir, ownEnv: env } = this.hosted;
    await runGit(['--git-dir', gitDir, 'symbolic-ref', 'HEAD', branch], { env });
  }
}
