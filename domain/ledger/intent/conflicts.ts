import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { quoteKey } from '../value/key.js';

/** What speaks against a transaction on the state that it comes upon; a clone and the Stargate say it in the same words. */

/** `CAS_CONFLICT`: the ledger has another tree than its writer believes. Null: none. */
export function otherTree(ns: string, actual: Oid | null, expected: Oid | null): KvError {
  const message = `the ledger of namespace ${ns} has tree ${actual ?? 'none'}, expected ${expected ?? 'none'}`;
  return new KvError('CAS_CONFLICT', message, {
    hint: 'read the newest state, which names its tree, and decide again',
    advice: { id: 'read-tree-again' },
    details: { tree: actual },
  });
}

/** `CAS_CONFLICT`: a key has another blob than its writer believes. Null: none. */
export function otherBlob(key: string, actual: Oid | null, expected: Oid | null): KvError {
  const message = `key ${quoteKey(key)} has blob ${actual ?? 'none'}, expected ${expected ?? 'none'}`;
  return new KvError('CAS_CONFLICT', message, {
    hint: 'read the key again and decide again',
    advice: { id: 'read-key-again' },
    details: { key, blob: actual },
  });
}

/** `NOT_FOUND`: keys that were to be deleted are not there. */
export function nothingToDelete(ns: string, keys: readonly string[]): KvError {
  return new KvError('NOT_FOUND', `no key ${keys.map(quoteKey).join(', ')} in namespace ${ns}: nothing was deleted`, {
    hint: 'list the keys that there are',
    advice: { id: 'list-keys', ns },
  });
}

/** `EXPIRED`: a TTL that was to be kept has passed, so that a value would be written that nobody can read. `ttl` ISO 8601 UTC. */
export function nothingToKeep(key: string, ttl: string): KvError {
  return new KvError('EXPIRED', `key ${quoteKey(key)} expired at ${ttl}: there is no TTL left to keep`, {
    hint: 'give the value a TTL of its own',
    advice: { id: 'give-ttl' },
  });
}
