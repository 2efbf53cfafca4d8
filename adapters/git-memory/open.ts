import { IsIn } from 'class-validator';
import type { GitStore, ObjectFormat, OpenAdapter } from '../../ports/index.js';
import { GitMemoryStore } from './store.js';

export { GIT_MEMORY_CAPABILITIES, GitMemoryStore } from './store.js';

export class Config {
  /** The hash that names objects: `sha1` or `sha256`. */
  @IsIn(['sha1', 'sha256'])
  objectFormat: ObjectFormat = 'sha1';
}

export const open: OpenAdapter<Config, GitStore> = async ({ objectFormat }) => new GitMemoryStore(objectFormat);
