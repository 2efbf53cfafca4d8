import type { GitStore, OpenAdapter } from '../../ports/index.js';
import { openGitStore } from './store.js';

export { GIT_CLI_CAPABILITIES, type GitCliStore, type GitStoreOptions, openGitStore } from './store.js';

/** GIT_KV_QUARANTINE in the profile's environment names the quarantine to read in front of the repository. */
export const open: OpenAdapter<undefined, GitStore> = (_config, { directory, env }) => {
  const { GIT_KV_QUARANTINE: quarantine, ...rest } = env;
  return openGitStore({ directory, env: rest, ...(quarantine === undefined ? {} : { quarantine }) });
};
