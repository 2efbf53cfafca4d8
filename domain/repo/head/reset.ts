import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { checkExpected } from '../commit/commit.js';
import type { Core, Land } from '../core.js';
import { changesBetween } from '../objects/trees.js';
import { resolveIn } from '../refs/branches.js';
import type { Staging } from '../staging/staging.js';

/** Moves the current branch to a revision; `soft` stages what makes the state that was staged before. */
export async function reset(
  core: Core,
  land: Land,
  staging: Staging,
  { rev, mode, expect }: { readonly rev: string; readonly mode: 'soft' | 'mixed' | 'hard'; readonly expect: Oid | undefined },
): Promise<Oid> {
  const [head, old] = [await core.head(), await core.headTip()];
  const ref = head.startsWith('refs/') ? head : null;
  checkExpected(ref, old, expect);
  const commit = await resolveIn(core, rev);
  const tree = await core.treeOf(commit);
  const staged = staging.overlay(tree);
  if (mode === 'soft') {
    const before = await staging.mustBeOn(old, 'cannot keep what is staged');
    const objects: NewObject[] = [];
    const effective = await before.tree(objects);
    const source = before.source.behind(new Map(objects.map((object) => [object.oid, object])));
    for (const { path, after } of await changesBetween(source, tree, effective)) staged.edits.set(path, after);
  }
  if (ref === null) await core.setHead(commit);
  else if (old !== commit) await land([], [{ ref, old, next: commit }], 'reset');
  if (mode === 'soft') staging.replace(commit, staged);
  else staging.clear(commit, tree);
  return commit;
}
