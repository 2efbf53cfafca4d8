import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { KvError } from '../../ports/index.js';
import { journalError, newer, notOurs } from './faults.js';
import type { Database, Sqlite } from './load.js';

/** What SQLite's header has to say that a file is a journal of git-kv: "gkvj". */
export const APPLICATION_ID = 0x676b766a;

/** The version of the tables. */
export const FORMAT = 1;

/** How long another program's lock is waited for, which holds this process up. ms. */
const PATIENCE_MS = 500;

/** `sum` is the CRC-32 of the number, a space and the JSON. Numbers begin at 1 and have no gaps. */
const TABLES = 'CREATE TABLE record (number INTEGER PRIMARY KEY, sum INTEGER NOT NULL, json TEXT NOT NULL) STRICT';

/**
 * Opens a journal's database, or makes it. Nothing is written to one that is there. `checked`: its pages are looked through. Throws `FORMAT_UNSUPPORTED`, `JOURNAL_CORRUPT` (no
 * journal, or damaged), `BUSY` (locked by another program), `NOT_SUPPORTED` (a file system without what WAL takes), `IO_ERROR`,
 * `STORAGE_FULL`.
 */
export function openDatabase(path: string, sqlite: Sqlite, { checked }: { readonly checked: boolean }): Database {
  let database: Database | undefined;
  try {
    reserve(path);
    database = new sqlite(path, { timeout: PATIENCE_MS });
    const marks = (): [unknown, unknown] => [pragma(database, 'application_id'), pragma(database, 'user_version')];
    if (isFresh(database, marks())) {
      useWal(database, path);
      database.exec('BEGIN IMMEDIATE');
      // Unless somebody else was quicker.
      if (isFresh(database, marks())) {
        database.exec(`${TABLES}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}`);
      }
      database.exec('COMMIT');
    }
    const [id, format] = marks();
    if (id !== APPLICATION_ID) throw notOurs(path, 'not a git-kv journal');
    if (format !== FORMAT) throw newer(path, `journal format ${String(format)} is not known`);
    useWal(database, path);
    database.prepare('SELECT number, sum, json FROM record'); // its columns are there
    // Rows at the end that a damaged page has lost leave no gap that a replay could see.
    const found = checked ? pragma(database, 'quick_check(1)') : 'ok';
    if (found !== 'ok') throw journalError(path, 'damaged', Object.assign(new Error(String(found)), { code: 'SQLITE_CORRUPT' }));
    return database;
  } catch (cause) {
    database?.close();
    const { code } = cause as { readonly code?: unknown };
    throw code === 'SQLITE_NOTADB'
      ? notOurs(path, 'not a SQLite database')
      : journalError(path, 'cannot open the journal', cause);
  }
}

/** What a pragma says. */
function pragma(database: Database | undefined, text: string): unknown {
  return database?.pragma(text, { simple: true });
}

/** Nobody has ever put anything into it. */
function isFresh(database: Database, [id, format]: readonly [unknown, unknown]): boolean {
  return id === 0 && format === 0 && database.prepare('SELECT 1 FROM sqlite_master LIMIT 1').get() === undefined;
}

/** A commit is then one sync of one file, and whoever reads sees one moment and keeps no writer waiting. */
function useWal(database: Database, path: string): void {
  if (pragma(database, 'journal_mode = WAL') === 'wal') return;
  throw new KvError('NOT_SUPPORTED', `${path}: this file system has not what SQLite's write-ahead log takes`, {
    hint: 'lay the journal on a local disk, or name journal-file as journal',
  });
}

/** The file for the Stargate alone: SQLite would make it readable to others, and makes those beside it as this one is. */
function reserve(path: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  closeSync(openSync(path, 'a', 0o600));
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
