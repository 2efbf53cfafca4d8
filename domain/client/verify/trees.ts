import type { GitStore } from '../../../ports/git-store.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { MODE_FILE } from '../../git/tree.js';
import { diffTrees, type TreeChange } from '../../git/tree-diff.js';
import { type FileEdit, PathEdits } from '../../git/tree-draft.js';
import type { VerifyContext } from './context.js';
import type { Place } from './findings.js';

/** The files that differ between two trees. A tree that is missing is a fault, and then counts as empty, so that the rest is seen too. */
export async function changesOf(
  context: VerifyContext,
  before: Oid | null,
  after: Oid | null,
  place: Place,
): Promise<TreeChange[]> {
  const { namer, oidBytes } = context;
  const empty = namer.emptyTree();
  const orNull = (tree: Oid | null): Oid | null => (tree === empty ? null : tree);
  const changes: TreeChange[] = [];
  try {
    for await (const change of diffTrees(forgiving(context, place), orNull(before), orNull(after), oidBytes))
      changes.push(change);
  } catch (error) {
    context.findings.thrown(error, place);
  }
  return changes;
}

/** The blobs at paths of a tree, by path. */
export async function filesAt(
  context: VerifyContext,
  tree: Oid,
  paths: readonly string[],
  place: Place,
): Promise<Map<string, Oid>> {
  const found = new Map<string, Oid>();
  const edits = new PathEdits();
  const asked = new Map<string, FileEdit>();
  for (const path of paths) {
    const edit: FileEdit = { mode: MODE_FILE, oid: null, previous: null };
    const dirs = path.split('/');
    edits.put(dirs, dirs.pop() as string, edit);
    asked.set(path, edit);
  }
  if (asked.size === 0) return found;
  await edits.load(forgiving(context, place), tree, context.oidBytes);
  for (const [path, { previous }] of asked) if (previous !== null) found.set(path, previous);
  return found;
}

function forgiving({ store, findings }: VerifyContext, place: Place): GitStore {
  return {
    ...store,
    read: async (oids) => {
      const objects = await store.read(oids);
      return objects.map((object, i): GitObject => {
        const oid = oids[i] as Oid;
        if (object?.type === 'tree') return object;
        findings.fault(`tree ${oid} is ${object ? 'no tree' : 'missing or damaged'}`, { ...place, object: oid }, 'GIT_ERROR');
        return { oid, type: 'tree', body: new Uint8Array(0) };
      });
    },
  };
}
