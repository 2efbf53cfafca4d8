import { join, resolve } from 'node:path';
import { IsNotEmpty, IsOptional, IsString } from 'class-validator';
import type { Journal, OpenAdapter } from '../../ports/index.js';
import { openFileJournal } from './file-journal.js';

export { type FileJournalOptions, openFileJournal } from './file-journal.js';

/** Where the journal lies. */
export class Config {
  /** The journal's file, from the repository's folder; `.stargate/journal.ndjson` when absent. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  path?: string;
}

/** Opens the journal's file, which is made when it isn't there. Throws `JOURNAL_CORRUPT`, `IO_ERROR`. */
export const open: OpenAdapter<Config, Journal> = (config, { directory }) =>
  openFileJournal({ path: resolve(directory, config.path ?? join('.stargate', 'journal.ndjson')) });
