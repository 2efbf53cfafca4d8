import type { OpenAdapter, RepositoryUpkeep } from '../../ports/index.js';
import { hostedAt } from './process/hosted.js';
import { GitUpkeep } from './upkeep/upkeep.js';

/** Opens the upkeep of the repository at `directory`. */
export const open: OpenAdapter<undefined, RepositoryUpkeep> = async (_config, { directory, env }) =>
  new GitUpkeep(hostedAt(directory, env));
