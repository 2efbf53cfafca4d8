import type { Core, Land } from '../core.js';
import { createBranch, resolveIn } from '../refs/branches.js';
import { HEADS, isRefPart, refNamed } from '../refs/names.js';
import type { Staging } from '../staging/staging.js';
import { movedPaths } from '../staging/rebase.js';

/** How HEAD is pointed elsewhere. */
export interface CheckoutOptions {
  readonly create?: boolean;
  readonly detach?: boolean;
  readonly force?: boolean;
}

/** Points HEAD to a branch or a commit; what is staged goes along, or is dropped with `force`. */
export async function checkout(core: Core, land: Land, staging: Staging, rev: string, options: CheckoutOptions): Promise<void> {
  const branch = isRefPart(rev) ? HEADS + rev : null;
  if (options.create === true && (await core.headTip()) === null) {
    await core.setHead(refNamed(HEADS, rev)); // before the first commit, a branch is only a name
    return;
  }
  if (options.create === true) await createBranch(core, land, rev, 'HEAD');
  const tip = branch === null || options.detach === true ? null : await core.tip(branch);
  const commit = tip ?? (await resolveIn(core, rev));
  const tree = await core.treeOf(commit);
  if (staging.size === 0 || options.force === true) staging.clear(commit, tree);
  else {
    const { overlay, conflicts } = await staging.rebased(tree);
    if (overlay === null) throw movedPaths(conflicts, `cannot check out '${rev}' with staged changes`);
    staging.replace(commit, overlay);
  }
  await core.setHead(tip === null || branch === null ? commit : branch);
}
