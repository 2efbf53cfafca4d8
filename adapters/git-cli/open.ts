import type { GitStore, OpenAdapter } from '../../ports/index.js';
import { openGitStore } from './store.js';

export { GIT_CLI_CAPABILITIES, type GitCliStore, type GitStoreOptions, openGitStore } from './store.js';

export const open: OpenAdapter<undefined, GitStore> = (_config, { directory, env }) => openGitStore({ directory, env });
