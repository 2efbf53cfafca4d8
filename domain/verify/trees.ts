import type { GitObject, Oid } from '../../ports/vocabulary.js';
import { MODE_FILE, oidBytesIn } from '../git/tree.js';
import { diffTrees, type TreeChange } from '../git/tree-diff.js';
import { diffInParts, type Parting } from '../git/tree-parts.js';
import { type FileEdit, PathEdits, type TreeReader } from '../git/tree-draft.js';
import type { RuleContext } from './fault.js';

const NO_ENTRIES = new Uint8Array(0);

/** The files that differ between two trees. A tree that can't be read is a fault, and then counts as empty, so that the rest is seen. */
export async function treeChanges(rules: RuleContext, before: Oid | null, after: Oid | null): Promise<TreeChange[]> {
  const changes: TreeChange[] = [];
  const oidBytes = oidBytesIn(rules.store.objectFormat);
  const trees = [orNull(rules, before), orNull(rules, after)] as const;
  for await (const change of diffTrees(treesOf(rules), ...trees, oidBytes)) changes.push(change);
  return changes;
}

/** The same in parts, none of which is large (`diffInParts`). */
export function treeParts(
  rules: RuleContext,
  before: Oid | null,
  after: Oid | null,
  parting: Parting,
): AsyncGenerator<TreeChange[]> {
  const oidBytes = oidBytesIn(rules.store.objectFormat);
  return diffInParts(treesOf(rules), orNull(rules, before), orNull(rules, after), oidBytes, parting);
}

/** The tree without entries is no tree here: git itself need not have it. */
const orNull = ({ namer }: RuleContext, tree: Oid | null): Oid | null => (tree === namer.emptyTree() ? null : tree);

/** The blobs at paths of a tree, by path; reads trees alone. */
export async function blobsAt(rules: RuleContext, tree: Oid | null, paths: readonly string[]): Promise<Map<string, Oid>> {
  const found = new Map<string, Oid>();
  if (tree === null || paths.length === 0) return found;
  const edits = new PathEdits();
  const asked = new Map<string, FileEdit>();
  for (const path of new Set(paths)) {
    const edit: FileEdit = { mode: MODE_FILE, oid: null, previous: null };
    const dirs = path.split('/');
    edits.put(dirs, dirs.pop() as string, edit);
    asked.set(path, edit);
  }
  await edits.load(treesOf(rules), tree, oidBytesIn(rules.store.objectFormat));
  for (const [path, { previous }] of asked) if (previous !== null) found.set(path, previous);
  return found;
}

/** Reads trees; one that can't be read is a fault, and has no entries. */
export function treesOf({ store, emit }: RuleContext): TreeReader {
  return {
    read: async (oids) => {
      const objects = await store.read(oids);
      return objects.map((object, i): GitObject => {
        const oid = oids[i] as Oid;
        if (object?.type === 'tree') return object;
        const what = object === null ? 'is missing or damaged' : 'is no tree';
        emit({ code: 'GIT_ERROR', message: `tree ${oid} ${what}`, subject: { object: oid } });
        return { oid, type: 'tree', body: NO_ENTRIES };
      });
    },
  };
}
