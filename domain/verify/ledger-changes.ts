import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { Hasher } from '../../ports/hasher.js';
import type { Oid } from '../../ports/vocabulary.js';
import { quoteKey } from '../ledger/key.js';
import { type LedgerFile, parseLedgerPath, pathsOf, placeOf } from '../ledger/paths.js';
import { MODE_FILE, oidBytesIn } from '../git/tree.js';
import { diffTrees, type TreeChange } from '../git/tree-diff.js';

/** What a transaction did to one key, as its ledger trees tell it. */
export type KeyChange =
  | { readonly key: string; readonly op: 'del' }
  | { readonly key: string; readonly op: 'set'; readonly meta: Oid; readonly data: Oid | null; readonly manifest: Oid | null };

type Files = Partial<Record<LedgerFile, TreeChange>>;

/**
 * Reads a transaction's changes out of its two ledger trees. Relies on the base tree being sound, which every transaction
 * before this one was checked for. Throws `POLICY_VIOLATION` for a path or a file mode that has no place in a ledger,
 * `ATTESTATION_MISMATCH` when a key's value and metadata don't go together.
 */
export async function ledgerChanges(
  store: GitStore,
  hasher: Hasher,
  ns: string,
  before: Oid | null,
  after: Oid | null,
): Promise<KeyChange[]> {
  const oidBytes = oidBytesIn(store.objectFormat);
  const byKey = new Map<string, Files>();
  for await (const change of diffTrees(store, before, after, oidBytes)) {
    const place = parseLedgerPath(change.path, ns, hasher);
    if (place === undefined) throw foreign(change.path, ns);
    if (change.after !== null && change.after.mode !== MODE_FILE) throw wrongMode(change);
    const files = byKey.get(place.key) ?? {};
    files[place.file] = change;
    byKey.set(place.key, files);
  }
  const unmoved = [...byKey].filter(([, files]) => files.meta?.after && !files.data && !files.manifest).map(([key]) => key);
  const same = await valuesAt(store, hasher, ns, after, unmoved);
  return [...byKey].map(([key, files]) => changeOf(key, files, same.get(key)));
}

/** The values of keys whose metadata alone changed. */
async function valuesAt(
  store: GitStore,
  hasher: Hasher,
  ns: string,
  tree: Oid | null,
  keys: readonly string[],
): Promise<Map<string, { data: Oid | null; manifest: Oid | null }>> {
  const found = new Map<string, { data: Oid | null; manifest: Oid | null }>();
  if (tree === null || keys.length === 0) return found;
  const paths = keys.flatMap((key) => {
    const { data, manifest } = pathsOf(ns, placeOf(key, hasher));
    return [data, manifest];
  });
  const objects = await store.readPaths(tree, paths);
  for (const [i, key] of keys.entries())
    found.set(key, { data: objects[2 * i]?.oid ?? null, manifest: objects[2 * i + 1]?.oid ?? null });
  return found;
}

function changeOf(key: string, files: Files, same: { data: Oid | null; manifest: Oid | null } | undefined): KeyChange {
  if (files.meta === undefined) throw torn(key, 'its value changed without its metadata');
  const data = files.data?.after?.oid ?? same?.data ?? null;
  const manifest = files.manifest?.after?.oid ?? same?.manifest ?? null;
  if (files.meta.after === null) {
    const removed = files.data?.after === null || files.manifest?.after === null;
    if (data !== null || manifest !== null || !removed) throw torn(key, 'its metadata is gone but its value is not');
    return { key, op: 'del' };
  }
  if ((data === null) === (manifest === null)) throw torn(key, 'it must have either an inline value or a manifest');
  return { key, op: 'set', meta: files.meta.after.oid, data, manifest };
}

function foreign(path: string, ns: string): KvError {
  return new KvError('POLICY_VIOLATION', `${JSON.stringify(path)} is no place for a key of namespace ${ns}`, {
    hint: 'a ledger holds only the files that docs/FORMAT.md names',
    details: { path },
  });
}

function wrongMode(change: TreeChange): KvError {
  return new KvError('POLICY_VIOLATION', `${JSON.stringify(change.path)} has file mode ${change.after?.mode}`, {
    hint: `files of a ledger have mode ${MODE_FILE}`,
    details: { path: change.path },
  });
}

function torn(key: string, why: string): KvError {
  return new KvError('ATTESTATION_MISMATCH', `key ${quoteKey(key)}: ${why}`, { details: { key } });
}
