import type { GitStore, OpenAdapter } from '../../ports/index.js';
import { openGitStore } from './store.js';

export { GIT_CLI_CAPABILITIES, type GitCliStore, type GitStoreOptions, openGitStore } from './store.js';

/** Opens the repository at a place. Throws `GIT_ERROR` where there is none. */
export const open: OpenAdapter<undefined, GitStore> = (_config, { directory, env }) => openGitStore({ directory, env });
