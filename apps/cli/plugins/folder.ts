import { access, constants, mkdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { findPackage } from '../io/package-file.js';
import { reasonOf } from '../io/files.js';

/** Where a user's plugins lie: an npm project of its own, in the folder that oclif takes for a program's data. */
export function pluginFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env['GIT_KV_DATA_DIR'] ?? join(env['XDG_DATA_HOME'] || join(env['HOME'] ?? homedir(), '.local', 'share'), 'git-kv');
}

/** Throws `IO_ERROR`, saying which other folder would do, when nothing can be written there. */
export async function requireWritable(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new KvError('IO_ERROR', `cannot keep plugins in ${folder}: ${reasonOf(cause)}`, {
      cause,
      hint: 'set XDG_DATA_HOME to a folder that you may write to, here and wherever you use the plugins',
    });
  }
}

/** The names of the packages that are installed, in order. Throws `CONFIG_INVALID` for a list that can't be read. */
export async function installedNames(folder: string): Promise<readonly string[]> {
  const file = join(folder, 'package.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return []; // nothing was ever installed
    throw broken(file, cause);
  }
  try {
    const { oclif } = JSON.parse(text) as { oclif?: { plugins?: readonly (string | { readonly name: string })[] } };
    return (oclif?.plugins ?? []).map((one) => (typeof one === 'string' ? one : String(one.name)));
  } catch (cause) {
    throw broken(file, cause);
  }
}

function broken(file: string, cause: unknown): KvError {
  return new KvError('CONFIG_INVALID', `cannot read the list of plugins ${file}: ${reasonOf(cause)}`, {
    cause,
    hint: 'correct the file, or remove it and install the plugins again',
  });
}

/**
 * Lets plugins find this very git-kv under its name: npm takes away what it hasn't put there itself. Where that can't be written, a
 * plugin that imports git-kv says so when it is loaded.
 */
export async function linkOwn(folder: string): Promise<void> {
  const link = join(folder, 'node_modules', 'git-kv');
  if (await stat(join(link, 'package.json')).catch(() => null)) return; // whatever is wrong there is put right below
  try {
    await rm(link, { recursive: true, force: true });
    await symlink(findPackage().root, link, 'dir');
  } catch {
    // as the docstring says
  }
}
