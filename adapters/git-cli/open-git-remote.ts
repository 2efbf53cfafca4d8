import type { CloneConfig, GitRemote, OpenAdapter } from '../../ports/index.js';
import { openGitRemote } from './remote/git-remote.js';

export { type GitRemoteOptions, openGitRemote } from './remote/git-remote.js';

/** Opens the remotes of a repository, whose URLs stand in the profile's `clone-config`. */
export const open: OpenAdapter<undefined, GitRemote> = (_config, { directory, env, get }) =>
  openGitRemote({ directory, env, config: get<CloneConfig>('clone-config') });
