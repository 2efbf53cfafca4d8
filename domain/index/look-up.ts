import type { GitStore } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import { findEntry, MODE_DIR, oidBytesIn } from '../git/tree/tree.js';
import { pairAt, REF_SUFFIX } from './layout.js';
import type { PointerFile } from './update.js';

/** Finds one key's pointer in an index tree; undefined when it has none. */
export async function lookUp(store: GitStore, ns: string, root: Oid, urlsafe: string): Promise<PointerFile | undefined> {
  const oidBytes = oidBytesIn(store.objectFormat);
  let oid: Oid | undefined = root;
  for (let depth = -3; oid !== undefined; depth++) {
    const [tree] = await store.read([oid]);
    if (tree?.type !== 'tree') return undefined;
    const pair = depth < 0 ? ['kv', ns, 'index'][depth + 3] : pairAt(urlsafe, depth);
    const dir = pair === undefined ? undefined : findEntry(tree.body, oidBytes, pair);
    if (dir === undefined || dir.mode !== MODE_DIR) return findEntry(tree.body, oidBytes, urlsafe + REF_SUFFIX);
    oid = dir.oid;
  }
  return undefined;
}
