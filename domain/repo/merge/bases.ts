import type { Oid } from '../../../ports/vocabulary.js';
import { CommitQueue } from '../log/commit-queue.js';
import { reaches } from '../log/walk.js';
import type { CommitFacts } from '../objects/commit-object.js';
import type { ObjectSource } from '../objects/source.js';

const ONE = 1;
const TWO = 2;
const STALE = 4;
const FOUND = 8;

/** The best common ancestors of two sides, the newest first, as `git merge-base --all` gives them. A side is what several commits reach. */
export async function mergeBases(source: ObjectSource, one: readonly Oid[], two: readonly Oid[]): Promise<Oid[]> {
  const candidates = await common(source, one, two);
  if (candidates.length < 2) return candidates.map(({ oid }) => oid);
  const best: CommitFacts[] = [];
  for (const each of candidates) {
    let isBelow = false;
    for (const other of candidates) if (!isBelow && other !== each) isBelow = await reaches(source, other.oid, each.oid);
    if (!isBelow) best.push(each);
  }
  return best.map(({ oid }) => oid);
}

/** Paints both sides down to where they meet (commit-reach.c, paint_down_to_common). */
async function common(source: ObjectSource, one: readonly Oid[], two: readonly Oid[]): Promise<CommitFacts[]> {
  const flags = new Map<Oid, number>();
  const queue = new CommitQueue();
  /** Those in the queue that could still lead to something. */
  let open = 0;
  const waiting = new Map<Oid, number>();
  const paint = async (oid: Oid, colours: number): Promise<void> => {
    const old = flags.get(oid) ?? 0;
    if ((old & colours) === colours) return;
    const times = waiting.get(oid) ?? 0;
    if (times > 0 && (old & STALE) === 0 && (colours & STALE) !== 0) open -= times;
    flags.set(oid, old | colours);
    waiting.set(oid, times + 1);
    if (((old | colours) & STALE) === 0) open++;
    queue.push(await source.commit(oid));
  };
  for (const oid of one) await paint(oid, ONE);
  for (const oid of two) await paint(oid, TWO);
  const found: CommitFacts[] = [];
  while (open > 0) {
    const commit = queue.pop();
    if (commit === undefined) break;
    const own = flags.get(commit.oid) ?? 0;
    waiting.set(commit.oid, (waiting.get(commit.oid) ?? 1) - 1);
    if ((own & STALE) === 0) open--;
    let colours = own & (ONE | TWO | STALE);
    if (colours === (ONE | TWO)) {
      if ((own & FOUND) === 0) {
        flags.set(commit.oid, own | FOUND);
        found.push(commit);
      }
      colours |= STALE;
    }
    for (const parent of commit.parents) await paint(parent, colours);
  }
  return found.filter(({ oid }) => ((flags.get(oid) ?? 0) & STALE) === 0).sort((a, b) => b.time - a.time);
}
