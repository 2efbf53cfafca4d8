import type { GitService, OpenAdapter } from '../../ports/index.js';
import { hostedAt } from './process/hosted.js';
import { GitServices } from './service/git-service.js';

/** Opens git's server sides over the repository at `directory`. */
export const open: OpenAdapter<undefined, GitService> = async (_config, { directory, env }) =>
  new GitServices(hostedAt(directory, env));
