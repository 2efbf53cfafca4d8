import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BIN_DIR } from '../../test/support/root.js';
import { BACKUP_TOOLS, installed } from '../backup-tools.js';
import { timed } from '../report.js';

const run = promisify(execFile);

/** A way to cut, hash and keep a file, each time in a repository that is empty. */
export interface Store {
  readonly what: string;
  /** The time of the one command that takes the file in. ms. */
  readonly add: (file: string) => Promise<number>;
}

/** git-kv in a clone without a Stargate, and the backup programs that are installed; and which are not. */
export async function stores(): Promise<{ all: Store[]; missing: string[] }> {
  const programs = await installed();
  const tools = BACKUP_TOOLS.filter(({ program }) => programs.has(program)).map(
    (tool): Store => ({
      what: tool.name,
      add: (file) =>
        inFolder(async (folder) => {
          const repository = await tool.open(join(folder, 'repository'));
          return timed(() => repository.add(file, 'file'));
        }),
    }),
  );
  const missing = (['restic', 'borg'] as const).filter((program) => !programs.has(program));
  return {
    all: [{ what: 'git kv set, in a clone alone', add: (file) => inFolder((folder) => setInClone(folder, file)) }, ...tools],
    missing,
  };
}

async function setInClone(folder: string, file: string): Promise<number> {
  await mkdir(join(folder, 'home'));
  const env = {
    ...{ PATH: process.env['PATH'] ?? '', HOME: join(folder, 'home'), LC_ALL: 'C.UTF-8' },
    ...{ GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  };
  const clone = join(folder, 'clone');
  const git = (...args: string[]): Promise<unknown> => run('git', args, { env });
  const kv = (...args: string[]): Promise<unknown> =>
    run(process.execPath, [join(BIN_DIR, 'git-kv.js'), ...args], { cwd: clone, env });
  await git('init', '-q', clone);
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')], { env });
  for (const [name, value] of [
    ['user.name', 'Ada'],
    ['user.email', 'ada@example.org'],
    ['gpg.format', 'ssh'],
    ['user.signingKey', join(folder, 'key')],
  ] as const)
    await git('-C', clone, 'config', name, value);
  await kv('init');
  return timed(() => kv('set', 'file', '--file', file));
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'git-kv-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
