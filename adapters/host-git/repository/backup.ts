import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KvError, type ObjectFormat, type Oid, type RefName, type RepositoryForm } from '../../../ports/index.js';
import { proveBundle, refsIn, sync } from '../process/bundle-file.js';
import { checkOid, checkRef } from '../process/guard.js';
import type { Hosted } from '../process/hosted.js';
import { runGit } from '../process/run-git.js';
import { createRepository } from './create.js';

/** Writes refs at given ids into a bundle, and gives what else the repository is. */
export async function exportRepository(hosted: Hosted, file: string, refs: ReadonlyMap<RefName, Oid>): Promise<RepositoryForm> {
  const { gitDir, ownEnv: env } = hosted;
  const format = await runGit(['--git-dir', gitDir, 'rev-parse', '--show-object-format'], { env });
  if (format !== 'sha1' && format !== 'sha256')
    throw new KvError('FORMAT_UNSUPPORTED', `the repository at '${gitDir}' has the object format '${format}'`);
  const head = /^ref: (\S+)$/m.exec(await readFile(join(gitDir, 'HEAD'), 'utf8'))?.[1] ?? null;
  const settings = await readFile(join(gitDir, 'config'), 'utf8');
  if (refs.size > 0) await writeBundle(hosted, file, format, refs);
  return { objectFormat: format, head, settings };
}

/**
 * A repository that borrows the objects has the refs as they were: git bundles what refs say, and those of the repository itself move
 * while pushes go on.
 */
async function writeBundle(hosted: Hosted, file: string, format: ObjectFormat, refs: ReadonlyMap<RefName, Oid>): Promise<void> {
  const { gitDir, serviceEnv: env } = hosted;
  const still = `${file}.still.git`;
  const git = (args: readonly string[], input = ''): Promise<string> => runGit(['--git-dir', still, ...args], { env, input });
  try {
    await runGit(['init', '--quiet', '--bare', `--object-format=${format}`, '--template=', still], { env });
    await writeFile(join(still, 'objects', 'info', 'alternates'), `${join(gitDir, 'objects')}\n`);
    const creations = [...refs].map(([ref, oid]) => `create ${checkRef(ref)} ${checkOid(oid)}\n`).join('');
    await git(['update-ref', '--stdin'], creations);
    await git(['bundle', 'create', '--quiet', file, '--stdin'], [...refs.keys()].map((ref) => `${ref}\n`).join(''));
    await sync(file);
    await proveBundle(hosted, file, format, refs);
    await sync(dirname(file));
  } finally {
    await rm(still, { recursive: true, force: true });
  }
}

/** Makes a repository of what was exported; gives its refs. */
export async function restoreRepository(
  hosted: Hosted,
  file: string | null,
  { objectFormat, head, settings }: RepositoryForm,
): Promise<ReadonlyMap<RefName, Oid>> {
  const { gitDir, ownEnv: env } = hosted;
  const git = (...args: string[]): Promise<string> => runGit(['--git-dir', gitDir, ...args], { env });
  await createRepository(hosted, { objectFormat, mirror: { remote: 'restored', url: gitDir, push: [] } });
  await writeFile(join(gitDir, 'config'), settings);
  const format = await git('rev-parse', '--show-object-format');
  if (format !== objectFormat) throw new KvError('GIT_ERROR', `the settings that were kept are those of a ${format} repository`);
  if (head !== null) await git('symbolic-ref', 'HEAD', checkRef(head));
  if (file === null) return new Map();
  // Kept as one pack: a git before 2.36 syncs that, and loose objects not.
  const checked = ['-c', 'transfer.unpackLimit=1', '-c', 'fetch.fsckObjects=true'];
  await git(...checked, 'fetch', '--quiet', '--no-auto-gc', '--no-tags', '--no-write-fetch-head', '--', file, '+refs/*:refs/*');
  return refsIn(await git('for-each-ref', '--format=%(objectname) %(refname)'));
}
