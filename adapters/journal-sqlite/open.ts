import { join, resolve } from 'node:path';
import { IsNotEmpty, IsOptional, IsString } from 'class-validator';
import type { Journal, OpenAdapter } from '../../ports/index.js';
import { loadSqlite } from './load.js';
import { openSqliteJournal } from './sqlite-journal.js';

export { APPLICATION_ID, FORMAT } from './database.js';
export { type Database, loadSqlite, type Sqlite, SQLITE_VERSION } from './load.js';
export { openSqliteJournal, type SqliteJournalOptions } from './sqlite-journal.js';

/** Where the journal lies. */
export class Config {
  /** The database, from the repository's folder; `.stargate/journal.sqlite` when absent. On a local disk: SQLite's log takes one. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  path?: string;
}

/** Opens the journal's database, which is made when it isn't there. Throws `CONFIG_INVALID` without better-sqlite3, and as `openSqliteJournal`. */
export const open: OpenAdapter<Config, Journal> = async (config, { directory }) => {
  const sqlite = await loadSqlite();
  return openSqliteJournal({ path: resolve(directory, config.path ?? join('.stargate', 'journal.sqlite')), sqlite });
};
