import type { CommitFacts } from '../objects/commit-object.js';

interface Waiting {
  readonly commit: CommitFacts;
  readonly turn: number;
}

/** Commits by committer time, newest first; of equal times, the one that came first. A binary heap. */
export class CommitQueue {
  private readonly heap: Waiting[] = [];
  private turn = 0;

  get size(): number {
    return this.heap.length;
  }

  push(commit: CommitFacts): void {
    const { heap } = this;
    const one = { commit, turn: this.turn++ };
    let at = heap.push(one) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (isBefore(heap[above] as Waiting, one)) break;
      heap[at] = heap[above] as Waiting;
      at = above;
    }
    heap[at] = one;
  }

  pop(): CommitFacts | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first?.commit;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Waiting, heap[below] as Waiting)) below++;
      if (isBefore(last, heap[below] as Waiting)) break;
      heap[at] = heap[below] as Waiting;
      at = below;
    }
    heap[at] = last;
    return first.commit;
  }
}

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.commit.time !== b.commit.time ? a.commit.time > b.commit.time : a.turn < b.turn;
}
