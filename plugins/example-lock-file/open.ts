import { resolve } from 'node:path';
import { IsInt, IsNotEmpty, IsString, Min } from 'class-validator';
import type { LeaderLock, OpenAdapter } from '../../ports/index.js';
import { openFileLock } from './file-lock.js';

export { type FileLockOptions, openFileLock } from './file-lock.js';

/** Where the lease files lie, and how long a lease lasts. */
export class Config {
  /** The folder of the lease files, from the repository's folder. */
  @IsString()
  @IsNotEmpty()
  folder = '.stargate/lease';

  /** A lease ends when its holder hasn't beaten for this long, milliseconds. */
  @IsInt()
  @Min(100)
  ttlMs = 10_000;
}

/** Opens the lock, which nobody holds by that. */
export const open: OpenAdapter<Config, LeaderLock> = ({ folder, ttlMs }, { directory }) =>
  openFileLock({ folder: resolve(directory, folder), ttlMs });
