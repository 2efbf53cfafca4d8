import { open } from '../../adapters/tracing-none/open.js';
import { tracingContract } from '../contracts/tracing.js';
import { alone } from '../support/alone.js';

const context = alone();

tracingContract('tracing-none', async () => ({
  tracing: await open(undefined, context),
  delivered: () => [],
  vanish: undefined,
  dispose: async () => undefined,
}));
