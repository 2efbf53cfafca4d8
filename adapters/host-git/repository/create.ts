import { chmod, mkdir, readdir } from 'node:fs/promises';
import { KvError, type NewRepository } from '../../../ports/index.js';
import { checkRemote } from '../process/guard.js';
import { type Hosted, stargateFolder } from '../process/hosted.js';
import { runGit } from '../process/run-git.js';
import { writeHooks } from './hooks.js';
import { GIT_SETTINGS } from './settings.js';

/** Makes a bare repository of this version. Throws `CONFIG_INVALID` when something is there already. */
export async function createRepository({ gitDir, ownEnv: env }: Hosted, repository: NewRepository): Promise<void> {
  const { objectFormat, mirror } = repository;
  if (mirror !== null) checkRemote(mirror.remote);
  if (await isTaken(gitDir))
    throw new KvError('CONFIG_INVALID', `${gitDir} is there already`, { hint: 'name a folder of its own' });
  const git = (...args: string[]): Promise<string> => runGit(['--git-dir', gitDir, ...args], { env });
  const form = ['--bare', `--object-format=${objectFormat}`, '--initial-branch=main', '--template='];
  await runGit(['init', '--quiet', ...form, gitDir], { env });
  await chmod(gitDir, 0o755);
  await mkdir(stargateFolder(gitDir), { mode: 0o700 });
  for (const [name, value] of GIT_SETTINGS) await git('config', name, value);
  if (mirror !== null) {
    await git('config', `remote.${mirror.remote}.url`, mirror.url);
    for (const refspec of mirror.push) await git('config', '--add', `remote.${mirror.remote}.push`, refspec);
  }
  await writeHooks(gitDir);
  await git('hash-object', '-t', 'tree', '-w', '--stdin');
}

async function isTaken(gitDir: string): Promise<boolean> {
  try {
    return (await readdir(gitDir)).length > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new KvError('IO_ERROR', `cannot use ${gitDir}: ${(error as Error).message}`, { cause: error });
  }
}
