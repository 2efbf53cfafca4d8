import type { OpenAdapter, RepositoryHost } from '../../ports/index.js';
import { hostedAt } from './process/hosted.js';
import { GitHost } from './repository/git-host.js';

/** Opens the bare repository at `directory`, which need not be there yet. */
export const open: OpenAdapter<undefined, RepositoryHost> = async (_config, { directory, env }) =>
  new GitHost(hostedAt(directory, env));
