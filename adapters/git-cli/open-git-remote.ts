import type { GitRemote, OpenAdapter } from '../../ports/index.js';
import { openGitRemote } from './remote/git-remote.js';

export { type GitRemoteOptions, openGitRemote } from './remote/git-remote.js';

/** Opens the remotes of a repository. */
export const open: OpenAdapter<undefined, GitRemote> = (_config, { directory, env }) => openGitRemote({ directory, env });
