import { fromUrlsafe, toUrlsafe } from '../../ledger/value/key.js';
import { decodePointer } from '../../ledger/value/pointer.js';
import { MODE_FILE } from '../../git/tree/tree.js';
import { listPointers } from '../../index/list.js';
import { type Clone, oidBytesOf } from '../clone/clone.js';
import { newestTip } from '../clone/tips.js';

/** What a person's keys are divided by. */
const DIVIDER = /[:/]/;
/** Sorts behind every key with the same beginning: no urlsafe form has a later character, nor is one as long. */
const LAST = 'z'.repeat(2048);

/**
 * How a prefix may go on, from what this clone has; nothing is fetched. Up to `limit` keys are given whole; of more, what they have in
 * common up to the next colon or slash, each once, which reads a few trees for each and not every key. Expired keys are keys.
 */
export async function completeKeys(
  clone: Clone,
  { ns, prefix, limit }: { readonly ns: string; readonly prefix: string; readonly limit: number },
): Promise<string[]> {
  const tip = await newestTip(clone, ns);
  if (tip === null) return [];
  const next = async (count: number, after?: string): Promise<string[]> => {
    const found: string[] = [];
    const range = { prefix: toUrlsafe(prefix), ...(after === undefined ? {} : { after }) };
    for await (const { urlsafe, mode, oid } of listPointers(clone.store, ns, tip.trailers.indexTree, range, oidBytesOf(clone))) {
      const key = fromUrlsafe(urlsafe);
      if (key === undefined || (mode !== MODE_FILE && (await isDeleted(clone, oid, urlsafe)))) continue;
      found.push(key);
      if (found.length === count) break;
    }
    return found;
  };
  const keys = await next(limit + 1);
  if (keys.length <= limit) return keys;
  const groups: string[] = [];
  let after: string | undefined;
  while (groups.length < limit) {
    const [key] = await next(1, after);
    if (key === undefined) break;
    const at = key.slice(prefix.length).search(DIVIDER);
    const group = at < 0 ? key : key.slice(0, prefix.length + at + 1);
    groups.push(group);
    after = at < 0 ? toUrlsafe(group) : toUrlsafe(group) + LAST;
  }
  return groups;
}

async function isDeleted(clone: Clone, oid: string, where: string): Promise<boolean> {
  const [blob] = await clone.store.read([oid]);
  return !blob || decodePointer(blob.body, where).type === 'deleted';
}
