import type { Oid } from '../../../ports/vocabulary.js';
import { diffTrees, type TreeChange } from '../../tree-diff.js';
import type { VerifyContext } from './context.js';
import type { Place } from './findings.js';

/** The files that differ between two trees; what can't be read is a fault, and the changes up to there are given. */
export async function changesOf(context: VerifyContext, before: Oid | null, after: Oid | null, place: Place): Promise<TreeChange[]> {
  const { store, namer, oidBytes, findings } = context;
  const empty = namer.emptyTree();
  const orNull = (tree: Oid | null): Oid | null => (tree === empty ? null : tree);
  const changes: TreeChange[] = [];
  try {
    for await (const change of diffTrees(store, orNull(before), orNull(after), oidBytes)) changes.push(change);
  } catch (error) {
    findings.thrown(error, place);
  }
  return changes;
}
