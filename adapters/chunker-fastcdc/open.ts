import { IsInt, Max, Min } from 'class-validator';
import type { Chunker, OpenAdapter } from '../../ports/index.js';
import { DEFAULTS, fastCdcChunker } from './fastcdc-chunker.js';
import { BOUNDS } from './parameters.js';

export { fastCdcChunker } from './fastcdc-chunker.js';

/** Bounds and normalisation of FastCDC; by default those of docs/FORMAT.md. */
export class Config {
  /** No chunk but the last is shorter, in bytes. */
  @IsInt()
  @Min(BOUNDS.min[0])
  @Max(BOUNDS.min[1])
  min = DEFAULTS.min;

  /** The size that cut points are drawn to, in bytes; the masks follow the nearest power of two. */
  @IsInt()
  @Min(BOUNDS.avg[0])
  @Max(BOUNDS.avg[1])
  avg = DEFAULTS.avg;

  /** No chunk is longer, in bytes. */
  @IsInt()
  @Min(BOUNDS.max[0])
  @Max(BOUNDS.max[1])
  max = DEFAULTS.max;

  /** The normalisation level: the higher, the closer sizes come to avg. */
  @IsInt()
  @Min(BOUNDS.nc[0])
  @Max(BOUNDS.nc[1])
  nc = DEFAULTS.nc;
}

/** Opens a FastCDC chunker. Throws `CONFIG_INVALID` for parameters that cannot go together. */
export const open: OpenAdapter<Config, Chunker> = async ({ min, avg, max, nc }) => fastCdcChunker({ min, avg, max, nc });
