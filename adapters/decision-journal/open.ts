import { join, resolve } from 'node:path';
import { IsNotEmpty, IsOptional, IsString } from 'class-validator';
import type { DecisionLog, OpenAdapter } from '../../ports/index.js';
import { openJournalDecisions } from './journal-decisions.js';

export { type JournalDecisionsOptions, openJournalDecisions } from './journal-decisions.js';

/** Where the decisions lie. */
export class Config {
  /** The folder of the decisions, from the profile's folder; `.stargate/decisions` when absent. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  folder?: string;
}

/** Opens the folder of decisions, which is made when it isn't there. Throws `IO_ERROR`, `STORAGE_FULL`. */
export const open: OpenAdapter<Config, DecisionLog> = (config, { directory }) =>
  openJournalDecisions({ folder: resolve(directory, config.folder ?? join('.stargate', 'decisions')) });
