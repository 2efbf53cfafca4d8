import { IsInt, Max, Min } from 'class-validator';
import type { Chunker, OpenAdapter } from '../../ports/index.js';
import { fixedChunker } from './fixed-chunker.js';

export { fixedChunker } from './fixed-chunker.js';

export class Config {
  /** A chunk's size in bytes. */
  @IsInt()
  @Min(1)
  @Max(1024 * 1024 * 1024)
  size = 256 * 1024;
}

export const open: OpenAdapter<Config, Chunker> = async (config) => fixedChunker(config.size);
