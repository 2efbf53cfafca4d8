import { join, resolve } from 'node:path';
import { IsNotEmpty, IsOptional, IsString } from 'class-validator';
import type { LeaderLock, OpenAdapter } from '../../ports/index.js';
import { openFlockLock } from './flock-lock.js';

export { type FlockLockOptions, openFlockLock } from './flock-lock.js';

/** Where the lock lies. */
export class Config {
  /** The lock file, from the repository's folder; `.stargate/leader.lock` when absent. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  path?: string;
}

/** Opens the lock, which nobody holds by that. */
export const open: OpenAdapter<Config, LeaderLock> = (config, { directory, env }) =>
  openFlockLock({ path: resolve(directory, config.path ?? join('.stargate', 'leader.lock')), env });
