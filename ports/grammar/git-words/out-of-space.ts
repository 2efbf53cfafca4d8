/** What Git and other programs say, whose messages come in English here. */
const WORDS = /No space left on device|Disk quota exceeded|Out of diskspace/;
const CODES = ['ENOSPC', 'EDQUOT'];

/** Whether a system call (its error), or a program (in its words), failed because the disk has no room left, or the user no quota. */
export function isOutOfSpace(cause: unknown): boolean {
  if (typeof cause === 'string') return WORDS.test(cause);
  if (typeof cause !== 'object' || cause === null) return false;
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  return code === 'STORAGE_FULL' || CODES.includes(String(code)) || (typeof message === 'string' && WORDS.test(message));
}

/** The error code of a disk that failed. */
export function diskErrorCode(cause: unknown): 'STORAGE_FULL' | 'IO_ERROR' {
  return isOutOfSpace(cause) ? 'STORAGE_FULL' : 'IO_ERROR';
}
