import { tmpdir } from 'node:os';
import { IsArray, IsOptional, IsString } from 'class-validator';
import type { CommandRunner, OpenAdapter } from '../../ports/index.js';
import { probe } from './probe.js';
import { sandbox } from './sandbox.js';

/** What no command is to see, and where commands work. */
export class Config {
  /** Files and folders, absolute; what isn't there is left out. */
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  hide: string[] = [];

  /** The folder in which each command gets its own; the system's for temporary files when absent. */
  @IsOptional()
  @IsString()
  work?: string;
}

/** Opens a runner, with as much between it and its commands as the system lets it have: it tries which. */
export const open: OpenAdapter<Config, CommandRunner> = async ({ hide, work }) => sandbox(await probe(hide), work ?? tmpdir());
