import { KvError } from '../../../../ports/error.js';

/** Of what there is as much as may be: of one key's, of all readers', or of all. */
export interface Crowd {
  readonly of: 'key' | 'readers' | 'all';
  readonly what: 'connections' | 'commands' | 'pushes';
  readonly limit: number;
}

/** What a client is told for whom there is no room: `BUSY`. */
export function busy({ of, what, limit }: Crowd): KvError {
  const who = { key: 'this key has', readers: 'readers have', all: 'the Stargate has' }[of];
  return new KvError('BUSY', `${who} ${limit} ${what} at work, which is as many as there may be`, {
    hint:
      of === 'key' && what === 'connections'
        ? "try again later, or have an admin raise the policy's max_connections_per_key"
        : 'try again later',
    details: { limit, of, what },
  });
}

/** What a client is told that comes while the Stargate ends: `BUSY`, since another may be about to begin. */
export function ending(): KvError {
  return new KvError('BUSY', 'the Stargate is ending', { hint: 'try again later' });
}
