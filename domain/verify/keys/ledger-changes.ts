import type { Oid } from '../../../ports/vocabulary.js';
import { MODE_FILE } from '../../git/tree/tree.js';
import type { TreeChange } from '../../git/tree/tree-diff.js';
import type { Parting } from '../../git/tree/tree-parts.js';
import { quotePath } from '../../ledger/value/key.js';
import { keyAt, type LedgerDir, type LedgerFile, ledgerFileIn, pathsOf, placeOf, splitLedgerDir } from '../../ledger/paths.js';
import { type Fault, wrongKey, type RuleContext } from '../fault.js';
import { blobsAt, boundsOf, treeParts } from '../trees.js';

/** What a transaction did to one key, as its ledger trees tell it. */
export type KeyChange =
  | { readonly key: string; readonly op: 'del' }
  | { readonly key: string; readonly op: 'set'; readonly meta: Oid; readonly data: Oid | null; readonly manifest: Oid | null };

/** A key that was set. */
export type SetChange = Extract<KeyChange, { op: 'set' }>;

/** The keys that a transaction changed. */
export interface LedgerChanges {
  readonly changes: readonly KeyChange[];
  /** The keys that a fault was found with: what happened to them can't be told. */
  readonly torn: readonly string[];
}

/** The same, with the digest of each key of `changes`, in their order. */
export interface LedgerPart extends LedgerChanges {
  readonly digests: readonly string[];
}

type Files = Partial<Record<LedgerFile, TreeChange>>;

/** A key, and what changed of its files. */
interface KeyFiles {
  readonly key: string;
  readonly digest: string;
  readonly files: Files;
}

interface Value {
  readonly data: Oid | null;
  readonly manifest: Oid | null;
}

/** What a changed key takes in memory from here on, with what the index must say of it. Bytes. */
const A_CHANGE = 800;

/** Both files of a key lie below directories of the same name: the first two digits of its digest. */
const BY_SHARD: Parting = { depth: 4, group: (path) => path.slice(path.lastIndexOf('/') + 1) };

/**
 * Reads a transaction's changes out of its two ledger trees. Relies on the base tree being sound, which every transaction
 * before this one was checked for. `POLICY_VIOLATION` for a path or a file mode that has no place in a ledger,
 * `ATTESTATION_MISMATCH` when a key's value and metadata don't go together.
 */
export async function ledgerChanges(rules: RuleContext, before: Oid | null, after: Oid | null): Promise<LedgerChanges> {
  const { charge } = boundsOf(rules);
  const changes: KeyChange[] = [];
  const torn: string[] = [];
  for await (const part of ledgerParts(rules, before, after)) {
    for (const change of part.changes) changes.push(change);
    await charge?.('changed keys', changes.length * A_CHANGE);
    for (const key of part.torn) torn.push(key);
  }
  return { changes, torn };
}

/** The same in parts, so that the changes of a million keys are never held together. */
export async function* ledgerParts(rules: RuleContext, before: Oid | null, after: Oid | null): AsyncGenerator<LedgerPart> {
  for await (const files of treeParts(rules, 'ledger', before, after, BY_SHARD)) yield keyChanges(rules, after, files);
}

/** What changes of a ledger's files say of keys. */
async function keyChanges(rules: RuleContext, after: Oid | null, fileChanges: readonly TreeChange[]): Promise<LedgerPart> {
  const keys = filesByKey(rules, fileChanges);
  const same = await unmovedValues(rules, after, keys);
  const changes: KeyChange[] = [];
  const digests: string[] = [];
  const torn: string[] = [];
  for (const { key, digest, files } of keys) {
    const change = changeOf(key, files, same.get(key));
    if (typeof change !== 'string') {
      changes.push(change);
      digests.push(digest);
    } else {
      torn.push(key);
      rules.emit(wrongKey(key, change));
    }
  }
  return { changes, digests, torn };
}

/** The files that changed, by the keys that they are of. Those of one directory come one after the other. */
function filesByKey({ ns, emit, namer }: RuleContext, fileChanges: readonly TreeChange[]): KeyFiles[] {
  const keys: KeyFiles[] = [];
  const byShards = new Map<string, Map<string, KeyFiles>>();
  let [at, dir, inDir]: [string | null, LedgerDir | undefined, Map<string, KeyFiles>] = [null, undefined, new Map()];
  for (const change of fileChanges) {
    if (change.dir !== at) {
      at = change.dir;
      dir = splitLedgerDir(at, ns);
      inDir = (dir && byShards.get(dir.shards)) ?? new Map();
      if (dir !== undefined) byShards.set(dir.shards, inDir);
    }
    const file = dir && ledgerFileIn(dir, change.name);
    // A key's place follows from a digest, which is made once for all of its files.
    let found = file && inDir.get(file.urlsafe);
    if (file !== undefined && found === undefined) {
      const key = keyAt(file, namer.hasher);
      if (key !== undefined) {
        found = { ...key, files: {} };
        inDir.set(file.urlsafe, found);
        keys.push(found);
      }
    }
    if (file === undefined || found === undefined) {
      emit(foreign(change.path, ns));
      continue;
    }
    if (change.after !== null && change.after.mode !== MODE_FILE) emit(wrongMode(change, found.key));
    found.files[file.file] = change;
  }
  return keys;
}

const NO_VALUES: ReadonlyMap<string, Value> = new Map();

/** The values of keys whose metadata alone changed. */
async function unmovedValues(
  rules: RuleContext,
  tree: Oid | null,
  keys: readonly KeyFiles[],
): Promise<ReadonlyMap<string, Value>> {
  const { ns, namer } = rules;
  const places = keys
    .filter(({ files }) => files.meta?.after && !files.data?.after && !files.manifest?.after)
    .map(({ key }) => [key, pathsOf(ns, placeOf(key, namer.hasher))] as const);
  const paths = places.flatMap(([, { data, manifest }]) => [data, manifest]);
  if (paths.length === 0) return NO_VALUES;
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
  if ((data === null) === (manifest === null) || keepsOther(files)) return 'it must have either an inline value or a manifest';
  return { key, op: 'set', meta: files.meta.after.oid, data, manifest };
}

/**
 * Whether a value was put beside the one of the other kind that a key has: a key that was there had one of both, and where that didn't
 * move, it is there still.
 */
function keepsOther({ meta, data, manifest }: Files): boolean {
  const isAdded = (file: TreeChange | undefined): boolean => file?.before === null && file.after !== null;
  return meta?.before !== null && ((isAdded(data) && manifest === undefined) || (isAdded(manifest) && data === undefined));
}

function foreign(path: string, ns: string): Fault {
  return {
    code: 'POLICY_VIOLATION',
    message: `${quotePath(path)} is no place for a key of namespace ${ns}`,
    hint: 'a ledger holds only the files that docs/FORMAT.md names',
    subject: { path },
  };
}

function wrongMode({ path, after }: TreeChange, key: string): Fault {
  return {
    code: 'POLICY_VIOLATION',
    message: `${quotePath(path)} has file mode ${after?.mode.slice(0, 12)}`,
    hint: `files of a ledger have mode ${MODE_FILE}`,
    subject: { path, key },
  };
}
