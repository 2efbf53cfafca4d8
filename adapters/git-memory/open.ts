import { IsIn } from 'class-validator';
import type { GitStore, ObjectFormat, OpenAdapter } from '../../ports/index.js';
import { GitMemoryStore } from './store.js';

export { GIT_MEMORY_CAPABILITIES, GitMemoryStore } from './store.js';

/** What kind of repository begins. */
export class Config {
  /** The hash that names objects: `sha1` or `sha256`. */
  @IsIn(['sha1', 'sha256'])
  objectFormat: ObjectFormat = 'sha1';
}

/** Opens an empty repository in memory. */
export const open: OpenAdapter<Config, GitStore> = async ({ objectFormat }) => new GitMemoryStore(objectFormat);
