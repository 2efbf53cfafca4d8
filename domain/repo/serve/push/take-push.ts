import { KvError } from '../../../../ports/error.js';
import type { Oid, RefUpdate } from '../../../../ports/vocabulary.js';
import type { RefVerdict } from '../../../git/wire/push-report.js';
import { candidateOf } from '../../commit/changes.js';
import type { Core, Land } from '../../core.js';
import { reaches } from '../../log/walk.js';
import { readCommit } from '../../objects/commit-object.js';
import type { ObjectSource } from '../../objects/source.js';
import { HEADS, isRef } from '../../refs/names.js';
import { checkThere, neededBy, type Pushed } from './check-push.js';
import { parentsFirst } from './parents-first.js';

/** A push whose objects have been read and held against git's rules. */
export interface IncomingPush {
  readonly objects: Pushed;
  readonly updates: readonly RefUpdate[];
  /** All refs move, or none. */
  readonly atomic: boolean;
  /** What moves the refs, as events tell it: `push`, `import`. */
  readonly reason: string;
  /** A branch may only go forward. */
  readonly onlyForward?: boolean;
  /** Gives the memory back that was kept for the objects, right before they are stored. */
  readonly release: () => void;
  readonly turn: () => Promise<void>;
  /** Hears of a push that builds on nothing before it which of its objects no other one of them names: the rest is what these reach. */
  readonly onRoots?: (roots: ReadonlySet<Oid>) => void;
}

/**
 * Takes a push, for whoever has the turn: gives what has become of each ref. Rules are those of a bare repository: the current branch is
 * not deleted, a branch leads to a commit, a ref that isn't where the client saw it is not moved. Whatever checks commits checks each of
 * these. Throws `INPUT_INVALID` where objects are missing, `STORAGE_FULL`; nothing has changed then.
 */
export async function takePush(core: Core, land: Land, push: IncomingPush): Promise<readonly RefVerdict[]> {
  const source = core.source.behind(push.objects);
  const roots = push.onRoots && new Set(push.objects.keys());
  const needed = await neededBy(push.objects, source, push.turn, roots);
  if (roots !== undefined && needed.size === 0) push.onRoots?.(roots);
  // What the push builds on may be reached by nothing else: making room must not drop it.
  const keep = (): Iterable<Oid> => [...needed.keys(), ...push.updates.flatMap(({ next }) => next ?? [])];
  core.keeps.add(keep);
  try {
    await checkThere(needed, core.source);
    return await judged(core, source, land, push);
  } finally {
    core.keeps.delete(keep);
  }
}

async function judged(core: Core, source: ObjectSource, land: Land, push: IncomingPush): Promise<readonly RefVerdict[]> {
  const { updates, atomic } = push;
  const head = await core.head();
  const tips = await core.store.refs(updates.map(({ ref }) => ref).filter(isRef));
  const refused = new Map<RefUpdate, string>();
  for (const update of updates) {
    const why = await refusal(core, source, update, tips.get(update.ref) ?? null, head, push);
    if (why !== null) refused.set(update, why);
  }
  let moving = updates.filter((update) => !refused.has(update));
  if (atomic && refused.size > 0) {
    for (const update of moving) refused.set(update, 'atomic transaction failed');
    moving = [];
  }
  if (moving.length > 0) {
    push.release();
    await landed(land, push, moving, refused);
  }
  return updates.map((update) => ({ ref: update.ref, refused: refused.get(update) ?? null }));
}

/** Moves all at once; where one is in another's way, one by one, so that the others move. */
async function landed(
  land: Land,
  push: IncomingPush,
  moving: readonly RefUpdate[],
  refused: Map<RefUpdate, string>,
): Promise<void> {
  const objects = [...push.objects.values()];
  const moves = moving.filter(({ old, next }) => old !== next);
  try {
    await land(objects, moves, push.reason);
  } catch (error) {
    if (!KvError.is(error) || (error.code !== 'GIT_ERROR' && error.code !== 'CAS_CONFLICT')) throw error;
    if (push.atomic || moves.length === 1) {
      for (const update of moving) refused.set(update, error.message);
      return;
    }
    for (const update of moves) await landed(land, { ...push, atomic: true }, [update], refused);
  }
}

async function refusal(
  core: Core,
  source: ObjectSource,
  update: RefUpdate,
  tip: Oid | null,
  head: string,
  { objects, onlyForward }: IncomingPush,
): Promise<string | null> {
  const { ref, old, next } = update;
  if (!isRef(ref) || ref.split('/').length < 3) return 'funny refname';
  if (tip !== old) return tip === null ? 'the ref does not exist' : 'fetch first';
  if (next === null) return ref === head ? 'deletion of the current branch prohibited' : null;
  const object = await source.get(next);
  if (object === null) return 'missing necessary objects';
  if (ref.startsWith(HEADS) && object.type !== 'commit') return 'a branch leads to a commit';
  if (onlyForward === true && tip !== null && tip !== next) {
    const forward = ref.startsWith(HEADS) && (await reaches(source, next, tip));
    if (!forward) return ref.startsWith(HEADS) ? 'non-fast-forward' : 'already exists';
  }
  try {
    if (ref.startsWith(HEADS)) await checkCommits(core, source, ref, next, objects);
  } catch (error) {
    if (KvError.is(error) && (error.code === 'POLICY_VIOLATION' || error.code === 'INPUT_INVALID')) return error.message;
    throw error;
  }
  return null;
}

/** Shows the checks before a commit each commit that a branch gets by this push, parents first. */
async function checkCommits(core: Core, source: ObjectSource, ref: string, tip: Oid, objects: Pushed): Promise<void> {
  const checks = core.parts.beforeCommit ?? [];
  if (checks.length === 0) return;
  for (const { tree, parents, message, author } of parentsFirst(objects, [tip], readCommit)) {
    const [first] = parents;
    const before = first === undefined ? null : (await source.commit(first)).tree;
    const candidate = await candidateOf(source, { ref, parents, message, author }, before, tree);
    for (const check of checks) await check(candidate);
  }
}
