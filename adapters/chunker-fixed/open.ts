import { IsInt, Max, Min } from 'class-validator';
import type { Chunker, OpenAdapter } from '../../ports/index.js';
import { fixedChunker } from './fixed-chunker.js';

export { fixedChunker } from './fixed-chunker.js';

/** How long a chunk is. */
export class Config {
  /** A chunk's size in bytes. */
  @IsInt()
  @Min(1)
  @Max(1024 * 1024 * 1024)
  size = 256 * 1024;
}

/** Opens a chunker of one size. */
export const open: OpenAdapter<Config, Chunker> = async (config) => fixedChunker(config.size);
