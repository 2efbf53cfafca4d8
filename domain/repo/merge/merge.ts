import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { checkExpected, makeCommit, nothingToCommit, wordsOf, type Words } from '../commit/commit.js';
import type { Core, Land } from '../core.js';
import { reaches } from '../log/walk.js';
import { identLine, readIdent } from '../objects/idents.js';
import { subjectOf } from '../objects/commit-object.js';
import { resolveIn } from '../refs/branches.js';
import { HEADS, refNamed, shortName } from '../refs/names.js';
import type { CommitInfo, MergeRequest, MergeResult, PickRequest } from '../types.js';
import { mergeCommits } from './three-way.js';
import { type MergedTree, mergeTrees } from './tree-merge.js';

/** The branch that a merge goes into, and where it is; null is a HEAD that names a commit. */
interface Target {
  readonly ref: RefName | null;
  readonly tip: Oid | null;
}

/** What is merged where its commits are not in the store yet. */
export interface Incoming {
  readonly commit: Oid;
  /** What the store hasn't got of it. */
  readonly objects: ReadonlyMap<Oid, NewObject>;
  /** How the message calls it, such as `branch 'topic'`. */
  readonly name: string;
}

/** Merges a revision into a branch. */
export async function mergeRevision(core: Core, land: Land, request: MergeRequest): Promise<MergeResult> {
  const commit = await resolveIn(core, request.from);
  const isBranch = (await core.tip(HEADS + request.from)) === commit;
  const name = `${isBranch ? 'branch' : 'commit'} '${request.from}'`;
  return mergeIncoming(core, land, { commit, objects: new Map(), name }, request);
}

/** Merges a commit, wherever its objects are, into a branch. */
export async function mergeIncoming(
  core: Core,
  land: Land,
  incoming: Incoming,
  request: Omit<MergeRequest, 'from'>,
): Promise<MergeResult> {
  const { ref, tip } = await targetOf(core, request.into);
  checkExpected(ref, tip, request.expect);
  const { commit: theirs } = incoming;
  const source = core.source.behind(incoming.objects);
  const move = async (commit: Oid, objects: readonly NewObject[]): Promise<void> =>
    moveTo(core, land, { ref, tip }, commit, objects, 'merge');
  if (tip !== null && (await reaches(source, tip, theirs))) return { status: 'up-to-date', commit: tip };
  const isForward = tip === null || (await reaches(source, theirs, tip));
  if (isForward && request.fastForward !== 'never') {
    await move(theirs, [...incoming.objects.values()]);
    return { status: 'fast-forward', commit: theirs, old: tip };
  }
  if (tip === null || request.fastForward === 'only')
    throw new KvError('CAS_CONFLICT', `${incoming.name} is no fast-forward`, {
      hint: 'merge it with a commit',
      details: { reason: 'not-fast-forward' },
    });
  const { favor } = request;
  const names = { ours: ref === null ? 'HEAD' : shortName(ref), theirs: incoming.name.replace(/^\w+ '(.*)'$/, '$1') };
  const merged = await mergeCommits(source, core.namer, { ours: tip, theirs }, favor === undefined ? names : { ...names, favor });
  if (merged === null)
    throw new KvError('INPUT_INVALID', `${incoming.name} has no commit in common with what it is merged into`, {
      details: { reason: 'unrelated-histories' },
    });
  if (merged.conflicts.length > 0) return { status: 'conflicts', conflicts: merged.conflicts };
  const objects = [...incoming.objects.values(), ...merged.objects];
  const before = await core.treeOf(tip);
  const message = request.message ?? defaultMessage(incoming.name, ref);
  const words = wordsOf(core, { ...request, message });
  const { object } = await makeCommit(core, ref, { tree: merged.tree, before, parents: [tip, theirs], objects }, words);
  await move(object.oid, [...objects, object]);
  return { status: 'merged', commit: object.oid, old: tip };
}

/** As `git merge` writes it. */
function defaultMessage(name: string, ref: RefName | null): string {
  const into = ref === null ? 'HEAD' : shortName(ref);
  return `Merge ${name}${into === 'main' || into === 'master' ? '' : ` into ${into}`}\n`;
}

async function targetOf(core: Core, branch: string | undefined): Promise<Target> {
  const head = branch === undefined ? await core.head() : refNamed(HEADS, branch);
  if (!head.startsWith('refs/')) return { ref: null, tip: head };
  const tip = await core.tip(head);
  if (branch !== undefined && tip === null)
    throw new KvError('NOT_FOUND', `there is no branch '${branch}'`, { details: { ref: head } });
  return { ref: head, tip };
}

async function moveTo(
  core: Core,
  land: Land,
  { ref, tip }: Target,
  commit: Oid,
  objects: readonly NewObject[],
  reason: string,
): Promise<void> {
  await land(objects, ref === null ? [] : [{ ref, old: tip, next: commit }], reason);
  if (ref === null) await core.setHead(commit);
}

/** Applies what a commit changes onto a branch, by its author. */
export async function cherryPick(core: Core, land: Land, request: PickRequest): Promise<MergeResult> {
  const picked = await core.source.commitInfo(await resolveIn(core, request.commit));
  const parent = parentOf(picked, request.mainline);
  const words = wordsOf(core, {
    message: request.message ?? picked.message,
    author: picked.author,
    committer: request.committer,
    verbatim: request.message === undefined,
  });
  // An author that git would write otherwise today stays as it was.
  const kept = { ...words, author: readIdent(identLine(picked.author)) };
  const trees = { base: await core.treeOf(parent), theirs: picked.tree };
  return applied(core, land, request, trees, kept, { reason: 'cherry-pick', theirs: label(picked) });
}

/** Applies the contrary of what a commit changes onto a branch. */
export async function revertCommit(core: Core, land: Land, request: PickRequest): Promise<MergeResult> {
  const reverted = await core.source.commitInfo(await resolveIn(core, request.commit));
  const parent = parentOf(reverted, request.mainline);
  const isMerge = reverted.parents.length > 1;
  const what = isMerge ? `${reverted.oid}, reversing\nchanges made to ${parent}.` : `${reverted.oid}.`;
  const message = request.message ?? `Revert "${subjectOf(reverted.message)}"\n\nThis reverts commit ${what}\n`;
  const words = wordsOf(core, { message, author: request.committer });
  const trees = { base: reverted.tree, theirs: await core.treeOf(parent) };
  return applied(core, land, request, trees, words, { reason: 'revert', theirs: `parent of ${label(reverted)}` });
}

async function applied(
  core: Core,
  land: Land,
  request: PickRequest,
  { base, theirs }: { readonly base: Oid | null; readonly theirs: Oid | null },
  words: Words,
  names: { readonly reason: string; readonly theirs: string },
): Promise<MergeResult> {
  const { ref, tip } = await targetOf(core, request.onto);
  checkExpected(ref, tip, request.expect);
  const ours = await core.treeOf(tip);
  const options = { ours: ref === null ? 'HEAD' : shortName(ref), theirs: names.theirs, depth: 0 };
  const merged: MergedTree = await mergeTrees(core.source, core.namer, { base, ours, theirs }, options);
  if (merged.conflicts.length > 0) return { status: 'conflicts', conflicts: merged.conflicts };
  if (merged.tree === ours) throw nothingToCommit();
  const parents = tip === null ? [] : [tip];
  const { object } = await makeCommit(core, ref, { tree: merged.tree, before: ours, parents, objects: merged.objects }, words);
  await moveTo(core, land, { ref, tip }, object.oid, [...merged.objects, object], names.reason);
  return { status: 'merged', commit: object.oid, old: tip };
}

function parentOf(commit: CommitInfo, mainline: number | undefined): Oid | null {
  if (commit.parents.length < 2 && mainline === undefined) return commit.parents[0] ?? null;
  const parent = mainline === undefined ? undefined : commit.parents[mainline - 1];
  if (parent !== undefined) return parent;
  const what = commit.parents.length < 2 ? 'has no such parent' : 'is a merge';
  throw new KvError('INPUT_INVALID', `commit ${commit.oid} ${what}`, { hint: 'say which parent it is seen from, from 1' });
}

function label({ oid, message }: CommitInfo): string {
  return `${oid.slice(0, 7)} (${subjectOf(message).slice(0, 100)})`;
}
