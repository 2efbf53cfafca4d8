import { KvError } from '../../../ports/error.js';
import { diskErrorCode, isOutOfSpace } from '../../../ports/grammar/git-words/out-of-space.js';

/** libgit2's error codes (git2/errors.h), as far as they are told apart here. */
export const CODE = { NOT_FOUND: -3, LOCKED: -14, INVALID: -21, DIRECTORY: -23, OWNER: -36 } as const;

/** The code that libgit2 gave for an error; undefined for one that isn't libgit2's. */
export function codeOf(error: unknown): number | undefined {
  const { errno } = (error ?? {}) as { readonly errno?: unknown };
  return typeof errno === 'number' ? errno : undefined;
}

/** libgit2's words for an error, on one line. */
export function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
}

/** What libgit2 could not do, with its words: `GIT_ERROR`; `STORAGE_FULL` when there is no room. A `KvError` stays what it is. */
export function libraryFailed(what: string, cause: unknown): KvError {
  if (KvError.is(cause)) return cause;
  const words = wordsOf(cause);
  if (isOutOfSpace(words)) {
    return new KvError('STORAGE_FULL', `${what}: ${words}`, { cause, hint: 'free some disk space and try again' });
  }
  return new KvError('GIT_ERROR', `${what}: ${words}`, { cause, hint: 'check the repository with `git fsck`' });
}

/** A system call that failed while objects were written: `STORAGE_FULL` or `IO_ERROR`; anything else stays what it is. */
export function diskFailed(what: string, error: unknown): unknown {
  const { code, syscall } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  if (code === undefined || syscall === undefined) return error;
  return new KvError(diskErrorCode(error), `${what}: ${wordsOf(error)}`, {
    hint: isOutOfSpace(error) ? 'free some disk space and try again' : "check the permissions of the repository's folder",
    cause: error,
  });
}
