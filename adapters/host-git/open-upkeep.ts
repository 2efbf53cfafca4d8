import type { OpenAdapter, RepositoryUpkeep } from '../../ports/index.js';
import { hostedAt } from './process/hosted.js';
import { GitUpkeep } from './upkeep/upkeep.js';

export const open: OpenAdapter<undefined, RepositoryUpkeep> = async (_config, { directory, env }) =>
  new GitUpkeep(hostedAt(directory, env));
