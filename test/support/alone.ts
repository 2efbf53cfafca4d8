import type { AdapterContext } from '../../ports/index.js';

/** What an adapter is opened with that needs nothing of others: asking for one fails. */
export function alone(directory = '/nonexistent', env: AdapterContext['env'] = {}): AdapterContext {
  const none = (): Promise<never> => Promise.reject(new Error('no other adapter is here'));
  return { directory, env, get: none, open: none };
}
