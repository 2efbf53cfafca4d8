import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { KvError } from '../../ports/error.js';
import type { LibraryRepository, Nodegit } from './library/binding.js';
import { CODE, codeOf, wordsOf } from './library/failure.js';

/** A repository as libgit2 has opened it. Paths are absolute. */
export interface Repository {
  readonly library: LibraryRepository;
  readonly gitDir: string;
  /** What all work trees share. */
  readonly commonDir: string;
  /** Where objects are written. */
  readonly objectsFolder: string;
  /** Where else they are read from: its alternates, and theirs. */
  readonly alternates: readonly string[];
  readonly shallow: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Finds and opens the repository of a folder. Throws `GIT_ERROR` when there is none or it is somebody else's, `NOT_SUPPORTED` for what
 * libgit2 cannot read: SHA-256 objects, partial clones, refs in another form than files.
 */
export async function openRepository(nodegit: Nodegit, directory: string, env: Environment): Promise<Repository> {
  const folder = resolve(directory);
  let library: LibraryRepository;
  try {
    library = await nodegit.Repository.openExt(folder, 0, env['GIT_CEILING_DIRECTORIES'] ?? '');
  } catch (error) {
    throw cannotOpen(folder, error);
  }
  const [gitDir, commonDir] = [withoutSlash(library.path()), withoutSlash(library.commondir())];
  const objectsFolder = join(commonDir, 'objects');
  const alternates = await alternatesOf(objectsFolder);
  return { library, gitDir, commonDir, objectsFolder, alternates, shallow: library.isShallow() === 1 };
}

const withoutSlash = (path: string): string => resolve(path);

function cannotOpen(folder: string, error: unknown): KvError {
  const said = wordsOf(error);
  const format = /object format '?(\w+)/.exec(said)?.[1];
  if (format !== undefined) {
    return new KvError('NOT_SUPPORTED', `the repository at '${folder}' has ${format} objects, which libgit2 does not read`, {
      cause: error,
      hint: "name git-cli as the profile's git-store, which reads both formats",
    });
  }
  const extension = /unsupported extension name extensions\.(\S+)/.exec(said)?.[1];
  if (extension !== undefined) {
    return new KvError(
      'NOT_SUPPORTED',
      `the repository at '${folder}' has the extension '${extension}', which libgit2 does not know`,
      {
        cause: error,
        hint: "name git-cli as the profile's git-store",
      },
    );
  }
  if (codeOf(error) === CODE.OWNER) {
    const owned = (/repository path '(.+)' is not owned/.exec(said)?.[1] ?? folder).replace(/\/\.git\/?$/, '');
    return new KvError('GIT_ERROR', `the repository at '${owned}' belongs to another user`, {
      cause: error,
      hint: `run this as the owner, or trust the repository: git config --global --add safe.directory ${shellWord(resolve(owned))}`,
    });
  }
  return new KvError('GIT_ERROR', `no Git repository at '${folder}': ${said}`, {
    cause: error,
    hint: 'run this inside a clone, or make one with `git clone`',
  });
}

const shellWord = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

/** How many folders of objects may stand behind each other: Git's own bound (gitrepository-layout). */
const DEEPEST = 5;

/** The folders that `info/alternates` names, and those that theirs name. */
async function alternatesOf(objectsFolder: string, depth = 1): Promise<string[]> {
  const text = await readFile(join(objectsFolder, 'info', 'alternates'), 'utf8').catch(() => ''); // hardly any repository has some
  const named = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const folders = named.map((line) => resolve(objectsFolder, line));
  if (depth >= DEEPEST) return folders;
  const behind = await Promise.all(folders.map((folder) => alternatesOf(folder, depth + 1)));
  return [...new Set([...folders, ...behind.flat()])];
}
