import { KvError } from '../../../ports/error.js';
import type { WatchEvent } from '../../../ports/vocabulary.js';

/** What a watch says when a place can't be had: `oldest` is the oldest event that can, null when there is none. */
export function outOfReach(what: string, oldest: WatchEvent | null): KvError {
  if (oldest === null) return new KvError('NOT_FOUND', `${what}: it is empty`, { hint: 'check the namespace and the id' });
  const { oid, epoch, parentEpoch } = oldest;
  const compacted = parentEpoch === null ? '' : `, which may be compacted away with the epochs up to ${parentEpoch}`;
  return new KvError('NOT_FOUND', `${what}${compacted}; the oldest that can be had is ${oid}`, {
    hint: `begin with that event, the oldest, or after it: since ${oid}`,
    advice: { id: 'watch-from', oldest: oid },
    details: { oldest: oid, epoch, compacted: parentEpoch },
  });
}
