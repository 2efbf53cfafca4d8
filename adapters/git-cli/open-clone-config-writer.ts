import type { CloneConfigWriter, OpenAdapter } from '../../ports/index.js';
import { openCloneConfigWriter } from './config/clone-config.js';

export { openCloneConfigWriter } from './config/clone-config.js';

/** Opens the repository's own configuration file, to be changed. */
export const open: OpenAdapter<undefined, CloneConfigWriter> = (_config, { directory, env }) =>
  openCloneConfigWriter({ directory, env });
