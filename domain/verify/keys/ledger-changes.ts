import type { Oid } from '../../../ports/vocabulary.js';
import { MODE_FILE } from '../../git/tree.js';
import type { TreeChange } from '../../git/tree-diff.js';
import { type LedgerFile, parseLedgerPath, pathsOf, placeOf } from '../../ledger/paths.js';
import { type Fault, wrongKey, type RuleContext } from '../fault.js';
import { blobsAt, treeChanges } from '../trees.js';

/** What a transaction did to one key, as its ledger trees tell it. */
export type KeyChange =
  | { readonly key: string; readonly op: 'del' }
  | { readonly key: string; readonly op: 'set'; readonly meta: Oid; readonly data: Oid | null; readonly manifest: Oid | null };

/** A key that was set. */
export type SetChange = Extract<KeyChange, { op: 'set' }>;

/** The keys that a transaction changed. */
interface LedgerChanges {
  readonly changes: readonly KeyChange[];
  /** The keys that a fault was found with: what happened to them can't be told. */
  readonly torn: readonly string[];
}

type Files = Partial<Record<LedgerFile, TreeChange>>;

interface Value {
  readonly data: Oid | null;
  readonly manifest: Oid | null;
}

/**
 * Reads a transaction's changes out of its two ledger trees. Relies on the base tree being sound, which every transaction
 * before this one was checked for. `POLICY_VIOLATION` for a path or a file mode that has no place in a ledger,
 * `ATTESTATION_MISMATCH` when a key's value and metadata don't go together.
 */
export async function ledgerChanges(rules: RuleContext, before: Oid | null, after: Oid | null): Promise<LedgerChanges> {
  const { ns, emit, namer } = rules;
  const byKey = new Map<string, Files>();
  for (const change of await treeChanges(rules, before, after)) {
    const place = parseLedgerPath(change.path, ns, namer.hasher);
    if (place === undefined) {
      emit(foreign(change.path, ns));
      continue;
    }
    if (change.after !== null && change.after.mode !== MODE_FILE) emit(wrongMode(change, place.key));
    const files = byKey.get(place.key) ?? {};
    files[place.file] = change;
    byKey.set(place.key, files);
  }
  const same = await unmovedValues(rules, after, byKey);
  const changes: KeyChange[] = [];
  const torn: string[] = [];
  for (const [key, files] of byKey) {
    const change = changeOf(key, files, same.get(key));
    if (typeof change !== 'string') changes.push(change);
    else {
      torn.push(key);
      emit(wrongKey(key, change));
    }
  }
  return { changes, torn };
}

/** The values of keys whose metadata alone changed. */
async function unmovedValues(
  rules: RuleContext,
  tree: Oid | null,
  byKey: ReadonlyMap<string, Files>,
): Promise<Map<string, Value>> {
  const { ns, namer } = rules;
  const places = [...byKey]
    .filter(([, files]) => files.meta?.after && !files.data?.after && !files.manifest?.after)
    .map(([key]) => [key, pathsOf(ns, placeOf(key, namer.hasher))] as const);
  const paths = places.flatMap(([, { data, manifest }]) => [data, manifest]);
  const found = await blobsAt(rules, tree, paths);
  return new Map(
    places.map(([key, { data, manifest }]) => [key, { data: found.get(data) ?? null, manifest: found.get(manifest) ?? null }]),
  );
}

/** What was done to a key, or why that can't be told. */
function changeOf(key: string, files: Files, same: Value | undefined): KeyChange | string {
  if (files.meta === undefined) return 'its value changed without its metadata';
  const data = files.data?.after?.oid ?? same?.data ?? null;
  const manifest = files.manifest?.after?.oid ?? same?.manifest ?? null;
  if (files.meta.after === null) {
    const removed = files.data?.after === null || files.manifest?.after === null;
    if (data !== null || manifest !== null || !removed) return 'its metadata is gone but its value is not';
    return { key, op: 'del' };
  }
  if ((data === null) === (manifest === null)) return 'it must have either an inline value or a manifest';
  return { key, op: 'set', meta: files.meta.after.oid, data, manifest };
}

function foreign(path: string, ns: string): Fault {
  return {
    code: 'POLICY_VIOLATION',
    message: `${JSON.stringify(path)} is no place for a key of namespace ${ns}`,
    hint: 'a ledger holds only the files that docs/FORMAT.md names',
    subject: { path },
  };
}

function wrongMode({ path, after }: TreeChange, key: string): Fault {
  return {
    code: 'POLICY_VIOLATION',
    message: `${JSON.stringify(path)} has file mode ${after?.mode}`,
    hint: `files of a ledger have mode ${MODE_FILE}`,
    subject: { path, key },
  };
}
