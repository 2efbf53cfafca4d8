import type { CloneCache, OpenAdapter } from '../../ports/index.js';
import { openCloneCache } from './config/clone-cache.js';

export { type CloneCacheOptions, openCloneCache } from './config/clone-cache.js';

/** Opens what a clone keeps for its next commands. */
export const open: OpenAdapter<undefined, CloneCache> = (_config, { directory, env }) => openCloneCache({ directory, env });
