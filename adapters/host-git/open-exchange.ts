import type { ObjectExchange, OpenAdapter } from '../../ports/index.js';
import { GitExchange } from './exchange/git-exchange.js';
import { hostedAt } from './process/hosted.js';

/** Opens the exchange of objects of the repository at `directory`. */
export const open: OpenAdapter<undefined, ObjectExchange> = async (_config, { directory, env }) =>
  new GitExchange(hostedAt(directory, env));
