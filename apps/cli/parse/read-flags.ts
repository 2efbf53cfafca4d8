import type { Freshness } from '../../../domain/client/remote/tip-for-reading.js';
import { KvError } from '../../../ports/error.js';
import type { FlagValues, READ_FLAGS } from './flags.js';

/** What `--read-from` and `--offline` ask for. Throws `USAGE` when they contradict each other. */
export function freshnessOf(flags: FlagValues<typeof READ_FLAGS>): Freshness {
  const from = flags['read-from'];
  const offline = flags.offline === true;
  if (offline && from !== undefined) {
    throw new KvError('USAGE', `--offline and --read-from=${from} contradict each other`, { hint: 'leave one of them out' });
  }
  return { readFrom: from === 'stargate' ? 'stargate' : 'mirror', offline };
}
