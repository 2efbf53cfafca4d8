import { KvError } from '../../../ports/error.js';
import { keyBytes, quoteKey } from '../../ledger/value/key.js';
import { decodeMetadata } from '../../ledger/value/metadata.js';
import { momentAt, momentNow } from '../past/at.js';
import type { Clone } from '../clone/clone.js';
import { differingKeys, missing, statesOf } from './key-state.js';
import { putBack, type PutBack, type Replacement, writersFreshness } from './put-back.js';

interface RestoreRequest {
  readonly ns: string;
  readonly at: string;
  readonly keys: readonly string[];
  /** Also every key under it; undefined: only `keys`. */
  readonly prefix?: string;
}

/**
 * What puts keys back to what they were at `<oid|time|txn>`: a key that was not there then is deleted now. Reads the Stargate's
 * newest state. Keys that are as they were take no operation. Throws `NOT_FOUND` for a named key that is in neither state.
 */
export async function planRestore(clone: Clone, request: RestoreRequest): Promise<PutBack> {
  const { ns, at, keys, prefix } = request;
  for (const key of keys) keyBytes(key);
  const freshness = await writersFreshness(clone);
  const warnings: string[] = [];
  const warned: Clone = { ...clone, onWarning: (text) => warnings.push(text) }; // the write's receipt has room for it
  const { ledger: then } = await momentAt(warned, ns, at, freshness);
  const { ledger: tip } = await momentNow(clone, ns, { ...freshness, offline: true });
  const named = [...new Set(keys)];
  const [now, old] = [await statesOf(clone, ns, tip.commit.tree, named), await statesOf(clone, ns, then.commit.tree, named)];
  const replacements = new Map<string, Replacement>();
  for (const [i, key] of named.entries()) replacements.set(key, { key, now: now[i] ?? null, old: old[i] ?? null });
  const nowhere = [...replacements.values()]
    .filter((one) => one.now === null && one.old === null)
    .map(({ key }) => quoteKey(key));
  if (nowhere.length > 0) {
    throw new KvError('NOT_FOUND', `no key ${nowhere.join(', ')} in namespace ${ns}, neither at ${at} nor now`, {
      hint: 'list the keys that there were',
      advice: { id: 'list-keys-at', ns, at },
    });
  }
  const below = prefix === undefined ? [] : await differingKeys(clone, ns, tip.commit.tree, then.commit.tree, prefix);
  for (const { key, before, after } of below) replacements.set(key, { key, now: before, old: after });
  const differing = await thoseThatDiffer(clone, [...replacements.values()]);
  const count = `${differing.length} ${differing.length === 1 ? 'key' : 'keys'}`;
  return { ...(await putBack(clone, ns, tip, then, differing)), subject: `kv: ${ns}: restore ${count} as of ${at}`, warnings };
}

/** Leaves out what has the same value, content type and TTL: only who wrote it when would change. */
async function thoseThatDiffer(clone: Clone, all: readonly Replacement[]): Promise<Replacement[]> {
  const differing: Replacement[] = [];
  for (const replacement of all) {
    const { key, now, old } = replacement;
    if (now === null || old === null || now.value !== old.value) {
      if (now !== old) differing.push(replacement);
      continue;
    }
    if (now.meta === old.meta) continue;
    const [a, b] = (await clone.store.read([now.meta, old.meta])).map((blob, i) =>
      decodeMetadata((blob ?? missing(i === 0 ? now.meta : old.meta)).body, quoteKey(key)),
    );
    if (a?.ctype !== b?.ctype || a?.ttl !== b?.ttl) differing.push(replacement);
  }
  return differing;
}
