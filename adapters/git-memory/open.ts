import { IsIn, IsInt, IsOptional, Min } from 'class-validator';
import type { GitStore, ObjectFormat, OpenAdapter } from '../../ports/index.js';
import { Allowance } from './allowance.js';
import { MemoryObjects } from './objects.js';
import { GitMemoryStore } from './store.js';

export { Allowance, heldByProcess, type MemoryLimits } from './allowance.js';
export { GIT_MEMORY_CAPABILITIES, GitMemoryStore } from './store.js';

/** What kind of repository begins, and how much memory it may take. */
export class Config {
  /** The hash that names objects: `sha1` or `sha256`. */
  @IsIn(['sha1', 'sha256'])
  objectFormat: ObjectFormat = 'sha1';

  /** The most that this repository may hold, bytes; no limit unless told. */
  @IsOptional()
  @IsInt()
  @Min(1)
  maxBytes?: number;

  /** The most that all repositories of the process may hold together, bytes; no limit unless told. */
  @IsOptional()
  @IsInt()
  @Min(1)
  maxProcessBytes?: number;
}

/** Opens an empty repository in memory. */
export const open: OpenAdapter<Config, GitStore> = async ({ objectFormat, maxBytes, maxProcessBytes }) =>
  memoryStore(objectFormat, { repository: maxBytes ?? Infinity, process: maxProcessBytes ?? Infinity });

/** An empty repository in memory within limits. */
export function memoryStore(
  format: ObjectFormat,
  limits: { readonly repository: number; readonly process: number },
): GitMemoryStore {
  return new GitMemoryStore(format, new MemoryObjects(format, null, new Allowance(limits)));
}
