import type { BundleArchive, OpenAdapter } from '../../ports/index.js';
import { hostedAt } from './process/hosted.js';
import { GitBundles } from './upkeep/bundles.js';

/** Opens the bundles of the repository at `directory`. */
export const open: OpenAdapter<undefined, BundleArchive> = async (_config, { directory, env }) =>
  new GitBundles(hostedAt(directory, env));
