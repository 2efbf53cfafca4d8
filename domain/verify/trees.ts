import type { GitObject, Oid } from '../../ports/vocabulary.js';
import { MODE_FILE, oidBytesIn } from '../git/tree.js';
import { diffTrees, type TreeChange } from '../git/tree-diff.js';
import { type FileEdit, PathEdits, type TreeReader } from '../git/tree-draft.js';
import type { RuleContext } from './fault.js';

const NO_ENTRIES = new Uint8Array(0);

/** The files that differ between two trees. A tree that can't be read is a fault, and then counts as empty, so that the rest is seen. */
export async function treeChanges(rules: RuleContext, before: Oid | null, after: Oid | null): Promise<TreeChange[]> {
  const empty = rules.namer.emptyTree(); // which git itself need not have
  const orNull = (tree: Oid | null): Oid | null => (tree === empty ? null : tree);
  const changes: TreeChange[] = [];
  const oidBytes = oidBytesIn(rules.store.objectFormat);
  for await (const change of diffTrees(treesOf(rules), orNull(before), orNull(after), oidBytes)) changes.push(change);
  return changes;
}

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

function treesOf({ store, emit }: RuleContext): TreeReader {
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
