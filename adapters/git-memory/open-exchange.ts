import type { GitStore, ObjectExchange, OpenAdapter } from '../../ports/index.js';
import { memoryExchange } from './exchange.js';

export { memoryExchange } from './exchange.js';

/** Opens the exchange of objects of the profile's repository. */
export const open: OpenAdapter<undefined, ObjectExchange> = async (_config, { get }) =>
  memoryExchange(await get<GitStore>('git-store'));
