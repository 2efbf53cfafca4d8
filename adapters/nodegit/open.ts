import type { GitStore, OpenAdapter } from '../../ports/index.js';
import { openNodegitStore } from './store.js';

export { NODEGIT_CAPABILITIES, type NodegitStoreOptions, openNodegitStore } from './store.js';

/** Opens the repository of a folder with libgit2. Throws `CONFIG_INVALID` where nodegit isn't installed, or was built for another Node. */
export const open: OpenAdapter<undefined, GitStore> = (_config, { directory, env }) => openNodegitStore({ directory, env });
