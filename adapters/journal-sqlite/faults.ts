import { diskErrorCode, type ErrorCode, KvError } from '../../ports/index.js';

/** What is to be done about each kind of failure. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  STORAGE_FULL: 'free some disk space: the journal goes on by itself',
  BUSY: 'end the program that has it open, such as a database browser',
  JOURNAL_CORRUPT: 'stop the Stargate, keep a copy of the file, and restore the journal from a backup',
  IO_ERROR: 'check the disk, then restart the Stargate: it recovers from the journal',
};

/** A failure of SQLite, or of the system below it, as the port's error: `STORAGE_FULL`, `BUSY`, `JOURNAL_CORRUPT`, `IO_ERROR`. */
export function journalError(path: string, what: string, cause: unknown): KvError {
  if (KvError.is(cause)) return cause;
  const { code = '', message = String(cause) } = cause as { readonly code?: string; readonly message?: string };
  const kind = kindOf(code, cause);
  return new KvError(kind, `${path}: ${what}: ${message}${code === '' ? '' : ` (${code})`}`, {
    cause,
    ...(HINTS[kind] === undefined ? {} : { hint: HINTS[kind] }),
  });
}

/** A database that can't be what it is taken for. */
export function notOurs(path: string, what: string): KvError {
  return new KvError('JOURNAL_CORRUPT', `${path}: ${what}`, {
    hint: 'move the file aside once you know why it is there; the next start makes a new one',
  });
}

/** What a newer version has written. */
export function newer(path: string, what: string): KvError {
  return new KvError('FORMAT_UNSUPPORTED', `${path}: ${what}`, {
    hint: 'a newer git-kv wrote this journal: run that version, or a later one',
  });
}

function kindOf(code: string, cause: unknown): ErrorCode {
  if (code === 'SQLITE_FULL') return 'STORAGE_FULL';
  if (/^SQLITE_(?:BUSY|LOCKED)/.test(code)) return 'BUSY';
  if (/^SQLITE_(?:CORRUPT|NOTADB|ERROR|SCHEMA|MISMATCH)/.test(code)) return 'JOURNAL_CORRUPT';
  return diskErrorCode(cause);
}
