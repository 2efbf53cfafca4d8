import { open } from '../../adapters/tracing-none/open.js';
import { tracingContract } from '../contracts/tracing.js';

const context = { directory: '/nonexistent', env: {}, get: async () => Promise.reject(new Error('asked for another port')) };

tracingContract('tracing-none', async () => ({
  tracing: await open(undefined, context),
  delivered: () => [],
  vanish: undefined,
  dispose: async () => undefined,
}));
