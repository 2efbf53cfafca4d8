import { KvError } from '../../../../ports/error.js';
import type { GitStore } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { type Deepen, WHOLE } from '../../../git/wire/fetch-request.js';
import { reachable } from '../../log/walk.js';
import type { ObjectSource } from '../../objects/source.js';
import { HEADS, TAGS } from '../../refs/names.js';
import { peel } from '../../refs/revision.js';
import { reached } from './select-commits.js';

/** Where a client's history is to end. */
export interface Boundary {
  /** Commits that it gets without their parents, and is to be told of. */
  readonly shallow: readonly Oid[];
  /** Commits whose parents it had not, and gets. */
  readonly unshallow: readonly Oid[];
  /** All whose parents it will not have. */
  readonly cut: ReadonlySet<Oid>;
}

/** The end of a history as a client wants it. Throws `INPUT_INVALID` where no commit is left. */
export async function boundaryOf(
  source: ObjectSource,
  store: Pick<GitStore, 'refs'>,
  wants: readonly Oid[],
  theirs: ReadonlySet<Oid>,
  deepen: Deepen | null,
  turn: () => Promise<void>,
): Promise<Boundary> {
  if (deepen === null) return { shallow: [], unshallow: [], cut: theirs };
  const { inside, ends } =
    deepen.depth === null
      ? await recent(source, store, wants, deepen)
      : await near(source, wants, theirs, deepen, deepen.depth, turn);
  const shallow = [...ends].filter((oid) => !theirs.has(oid));
  const unshallow = [...theirs].filter((oid) => inside.has(oid) && !ends.has(oid));
  const cut = new Set([...ends, ...[...theirs].filter((oid) => !unshallow.includes(oid))]);
  return { shallow, unshallow, cut };
}

interface Part {
  /** Commits that the client will have with their parents. */
  readonly inside: ReadonlySet<Oid>;
  readonly ends: ReadonlySet<Oid>;
}

/** So many commits from the tips, or from where the client's history ended. */
async function near(
  source: ObjectSource,
  wants: readonly Oid[],
  theirs: ReadonlySet<Oid>,
  { relative }: Deepen,
  depth: number,
  turn: () => Promise<void>,
): Promise<Part> {
  const inside = new Set<Oid>();
  const ends = new Set<Oid>();
  let level: readonly Oid[] = wants;
  let left = depth;
  if (relative && theirs.size > 0) {
    const above = await reached(source, wants, theirs, turn);
    for (const oid of above) inside.add(oid);
    level = [...theirs].filter((oid) => above.has(oid));
    left = depth + 1;
    for (const oid of level) inside.delete(oid);
  }
  const seen = new Set<Oid>(inside);
  for (; level.length > 0; left--) {
    const next: Oid[] = [];
    for (const oid of level) {
      if (seen.has(oid)) continue;
      seen.add(oid);
      const { parents } = await source.commit(oid);
      if (left <= 1 && depth < WHOLE && parents.length > 0) ends.add(oid);
      else {
        inside.add(oid);
        next.push(...parents);
      }
    }
    level = next;
  }
  return { inside, ends };
}

/** What was committed since, and what some refs don't reach. */
async function recent(
  source: ObjectSource,
  store: Pick<GitStore, 'refs'>,
  wants: readonly Oid[],
  { since, not }: Deepen,
): Promise<Part> {
  const excluded = await reachable(source, await commitsOf(source, store, not));
  const isIn = async (oid: Oid): Promise<boolean> =>
    !excluded.has(oid) && (since === null || (await source.commit(oid)).time >= since * 1000);
  const chosen = new Set<Oid>();
  const open: Oid[] = [];
  const push = async (oid: Oid): Promise<boolean> => {
    if (chosen.has(oid)) return true;
    if (!(await isIn(oid))) return false;
    chosen.add(oid);
    open.push(oid);
    return true;
  };
  for (const oid of wants) await push(oid);
  if (chosen.size === 0)
    throw new KvError('INPUT_INVALID', 'no commit is as new as what was asked for', { hint: 'ask for more of the history' });
  const inside = new Set<Oid>();
  const ends = new Set<Oid>();
  for (let oid = open.pop(); oid !== undefined; oid = open.pop()) {
    let isWhole = true;
    for (const parent of (await source.commit(oid)).parents) if (!(await push(parent))) isWhole = false;
    (isWhole ? inside : ends).add(oid);
  }
  return { inside, ends };
}

async function commitsOf(source: ObjectSource, store: Pick<GitStore, 'refs'>, names: readonly string[]): Promise<Oid[]> {
  const commits: Oid[] = [];
  for (const name of names) {
    const known = [name, TAGS + name, HEADS + name].filter((each) => /^refs\/[^\0\n]+[^/]$/.test(each));
    const found = known.length === 0 ? new Map<string, Oid>() : await store.refs(known);
    const oid = known.map((each) => found.get(each)).find((each) => each !== undefined);
    const commit = oid === undefined ? null : await peel(source, oid);
    if (commit === null) throw new KvError('INPUT_INVALID', 'deepen-not names a ref that there is not');
    commits.push(commit);
  }
  return commits;
}
