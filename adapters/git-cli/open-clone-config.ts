import type { CloneConfig, OpenAdapter } from '../../ports/index.js';
import { openCloneConfig } from './config/clone-config.js';

export { type CloneConfigOptions, openCloneConfig } from './config/clone-config.js';

/** Reads the configuration that git has at a place. Throws `CONFIG_INVALID` when git can't read it. */
export const open: OpenAdapter<undefined, CloneConfig> = (_config, { directory, env }) => openCloneConfig({ directory, env });
