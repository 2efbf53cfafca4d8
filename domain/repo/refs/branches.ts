import { KvError } from '../../../ports/error.js';
import type { Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';
import type { Core, Land } from '../core.js';
import { reaches } from '../log/walk.js';
import type { Branch } from '../types.js';
import { HEADS, refNamed, shortName, TAGS } from './names.js';
import { peel, resolveCommit } from './revision.js';

/** All branches, by name. */
export async function listBranches(core: Core): Promise<Branch[]> {
  const head = await core.head();
  const refs = await core.store.refs([HEADS]);
  return [...refs].map(([ref, oid]) => ({ name: shortName(ref), ref, oid, commit: oid, current: ref === head }));
}

/** Makes a branch at a revision. Throws `CAS_CONFLICT` for a name that is taken, or that lies above or below one. */
export function createBranch(core: Core, land: Land, name: string, from: string): Branch | Promise<Branch> {
  const ref = refNamed(HEADS, name);
  const [commit, head] = [commitOf(core, from), core.head()];
  if (typeof commit !== 'string' || typeof head !== 'string') return createdBranch(core, land, name, from);
  const made = createRef(land, core, ref, commit, 'branch');
  const branch = { name, ref, oid: commit, commit, current: ref === head };
  return made instanceof Promise ? made.then(() => branch) : branch;
}

async function createdBranch(core: Core, land: Land, name: string, from: string): Promise<Branch> {
  const ref = refNamed(HEADS, name);
  const commit = await commitOf(core, from);
  await createRef(land, core, ref, commit, 'branch');
  return { name, ref, oid: commit, commit, current: ref === (await core.head()) };
}

/** The commit that a revision names; that of HEAD mostly needs no look. */
function commitOf(core: Core, from: string): Oid | Promise<Oid> {
  const tip = from === 'HEAD' && core.store.atHand !== undefined ? core.headTip() : null;
  return typeof tip === 'string' && core.source.isCommit(tip) ? tip : resolveCommit(revisionSide(core), from);
}

/** Removes a branch other than the current one. */
export async function deleteBranch(core: Core, land: Land, name: string, merged: boolean): Promise<void> {
  const { ref, tip } = await mustBranch(core, name);
  if (ref === (await core.head()))
    throw new KvError('INPUT_INVALID', `'${name}' is the current branch`, { hint: 'check out another one first' });
  if (merged) {
    const head = await core.headTip();
    if (head === null || !(await reaches(core.source, head, tip)))
      throw new KvError('CAS_CONFLICT', `'${name}' has commits that HEAD doesn't reach`, {
        hint: 'merge it first',
        details: { ref },
      });
  }
  await land([], [{ ref, old: tip, next: null }], 'delete branch');
}

/** Gives a branch another name; HEAD goes along. */
export async function renameBranch(core: Core, land: Land, from: string, to: string): Promise<Branch> {
  const { ref, tip } = await mustBranch(core, from);
  const next = refNamed(HEADS, to);
  const isCurrent = (await core.head()) === ref;
  if (next !== ref) {
    // No store moves both at once, and between two moves the branch would be gone.
    if (next.startsWith(`${ref}/`) || ref.startsWith(`${next}/`))
      throw new KvError('INPUT_INVALID', `'${from}' can't be renamed to what lies above or below it`, {
        hint: 'rename it to something else first',
      });
    if ((await core.tip(next)) !== null) throw taken(next);
    await land(
      [],
      [
        { ref, old: tip, next: null },
        { ref: next, old: null, next: tip },
      ],
      'rename branch',
    );
    if (isCurrent) await core.setHead(next);
  }
  return { name: to, ref: next, oid: tip, commit: tip, current: isCurrent };
}

/** A branch that is there. Throws `NOT_FOUND`. */
async function mustBranch(core: Core, name: string): Promise<{ readonly ref: RefName; readonly tip: Oid }> {
  const ref = refNamed(HEADS, name);
  const tip = await core.tip(ref);
  if (tip === null) throw new KvError('NOT_FOUND', `there is no branch '${name}'`, { details: { ref } });
  return { ref, tip };
}

/** Creates a ref, and says as a conflict what a store would call an error of git. */
export function createRef(land: Land, core: Core, ref: RefName, oid: Oid, reason: string): void | Promise<void> {
  const there = core.tip(ref);
  if (there instanceof Promise)
    return there.then((tip) => createThere(land, core, ref, tip, [{ ref, old: null, next: oid }], reason));
  return createThere(land, core, ref, there, [{ ref, old: null, next: oid }], reason);
}

function createThere(
  land: Land,
  core: Core,
  ref: RefName,
  there: Oid | null,
  updates: readonly RefUpdate[],
  reason: string,
): void | Promise<void> {
  if (there !== null) throw taken(ref);
  try {
    const landed = land([], updates, reason);
    return landed instanceof Promise ? landed.catch((error: unknown) => conflictOf(core, ref, error)) : undefined;
  } catch (error) {
    return conflictOf(core, ref, error);
  }
}

/** Throws an error of a store in words that callers expect. */
async function conflictOf(core: Core, ref: RefName, error: unknown): Promise<never> {
  const isInTheWay = KvError.is(error) && (error.code === 'GIT_ERROR' || error.code === 'CAS_CONFLICT');
  const there = isInTheWay ? await inTheWayOf(core, ref) : null;
  throw there === null ? error : taken(there);
}

/** A ref above or below a name. */
async function inTheWayOf(core: Core, ref: RefName): Promise<RefName | null> {
  const [below] = (await core.store.refs([`${ref}/`])).keys();
  if (below !== undefined) return below;
  const folder = ref.startsWith(TAGS) ? TAGS : HEADS;
  for (let at = ref.indexOf('/', folder.length); at > 0; at = ref.indexOf('/', at + 1)) {
    const above = ref.slice(0, at);
    if ((await core.tip(above)) !== null) return above;
  }
  return null;
}

function taken(ref: RefName): KvError {
  return new KvError('CAS_CONFLICT', `'${shortName(ref)}' is there already`, { hint: 'choose another name', details: { ref } });
}

/** What it takes to look a revision up in a repository. */
function revisionSide(core: Core): Parameters<typeof resolveCommit>[0] {
  return { store: core.store, source: core.source, head: async () => core.head() };
}

/** The commit that a revision names in a repository. */
export async function resolveIn(core: Core, rev: string): Promise<Oid> {
  return resolveCommit(revisionSide(core), rev);
}

/** The commit that an object leads to. */
export async function peelIn(core: Core, oid: Oid): Promise<Oid | null> {
  return peel(core.source, oid);
}
