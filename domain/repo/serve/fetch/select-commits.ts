import type { Oid } from '../../../../ports/vocabulary.js';
import { CommitQueue } from '../../log/commit-queue.js';
import type { ObjectSource } from '../../objects/source.js';

/** Which commits a receiver lacks. */
export interface CommitSelection {
  readonly wants: readonly Oid[];
  /** What the receiver has, with all before it but for the parents of `shallow`. */
  readonly haves: readonly Oid[];
  /** Commits whose parents the receiver has not. */
  readonly shallow: ReadonlySet<Oid>;
  /** Commits whose parents it is not to get. */
  readonly cut: ReadonlySet<Oid>;
}

/** Commits between two turns. */
const A_TURN = 2000;

/** The commits that a receiver lacks of what it wants, each after its parents. */
export async function selectCommits(
  source: ObjectSource,
  selection: CommitSelection,
  turn: () => Promise<void>,
): Promise<readonly Oid[]> {
  const { shallow, cut } = selection;
  const isWhole = shallow.size === 0 && cut.size === 0;
  const lacking = isWhole ? await lackingOfAll(source, selection, turn) : await lackingOfCut(source, selection, turn);
  return parentsFirst(source, lacking, cut, turn);
}

/**
 * Walks back from both sides by time until nothing is left that only the receiver's wish reaches. Where clocks were wrong, it may give
 * commits that the receiver has: they are sent in vain.
 */
async function lackingOfAll(
  source: ObjectSource,
  { wants, haves }: CommitSelection,
  turn: () => Promise<void>,
): Promise<Set<Oid>> {
  const lacking = new Set<Oid>();
  const theirs = new Set<Oid>();
  const queue = new CommitQueue();
  const popped = new Set<Oid>();
  /** Of the queue, what is not known to be the receiver's. */
  let open = 0;
  const push = async (oid: Oid, isTheirs: boolean): Promise<void> => {
    if (theirs.has(oid)) return;
    if (isTheirs) {
      theirs.add(oid);
      // It is in the queue already, or was: whatever it reaches is to be walked once more.
      if (lacking.delete(oid) && !popped.has(oid)) open -= 1;
      queue.push(await source.commit(oid));
    } else if (!lacking.has(oid)) {
      lacking.add(oid);
      open += 1;
      queue.push(await source.commit(oid));
    }
  };
  for (const oid of haves) await push(oid, true);
  for (const oid of wants) await push(oid, false);
  let count = 0;
  for (let commit = open > 0 ? queue.pop() : undefined; commit !== undefined; commit = open > 0 ? queue.pop() : undefined) {
    if (++count % A_TURN === 0) await turn();
    const isTheirs = theirs.has(commit.oid);
    if (!isTheirs) {
      if (popped.has(commit.oid)) continue;
      popped.add(commit.oid);
      open -= 1;
    }
    for (const parent of commit.parents) await push(parent, isTheirs);
  }
  return lacking;
}

async function lackingOfCut(
  source: ObjectSource,
  { wants, haves, shallow, cut }: CommitSelection,
  turn: () => Promise<void>,
): Promise<Set<Oid>> {
  const theirs = await reached(source, haves, shallow, turn);
  const wanted = await reached(source, wants, cut, turn);
  for (const oid of theirs) wanted.delete(oid);
  return wanted;
}

/** The commits from these back to `ends`, which are among them. Others have their turn now and then. */
export async function reached(
  source: ObjectSource,
  tips: readonly Oid[],
  ends: ReadonlySet<Oid>,
  turn: () => Promise<void>,
): Promise<Set<Oid>> {
  const seen = new Set<Oid>(tips);
  const open = [...seen];
  for (let oid = open.pop(); oid !== undefined; oid = open.pop()) {
    if (ends.has(oid)) continue;
    if (seen.size % A_TURN === 0) await turn();
    for (const parent of (await source.commit(oid)).parents) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      open.push(parent);
    }
  }
  return seen;
}

async function parentsFirst(
  source: ObjectSource,
  commits: ReadonlySet<Oid>,
  cut: ReadonlySet<Oid>,
  turn: () => Promise<void>,
): Promise<Oid[]> {
  const done = new Set<Oid>();
  const out: Oid[] = [];
  let count = 0;
  for (const tip of commits) {
    const open: [oid: Oid, isReady: boolean][] = [[tip, false]];
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      const [oid, isReady] = one;
      if (isReady) {
        out.push(oid);
        continue;
      }
      if (done.has(oid)) continue;
      done.add(oid);
      if (++count % A_TURN === 0) await turn();
      open.push([oid, true]);
      if (cut.has(oid)) continue;
      for (const parent of (await source.commit(oid)).parents)
        if (commits.has(parent) && !done.has(parent)) open.push([parent, false]);
    }
  }
  return out;
}
