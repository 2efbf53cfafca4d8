import { type DiffPair, type DiffSide, roughRoot } from './prepare.js';

/** xdiff's own numbers: a cost above which it looks for a good place to divide, and what a run of equal lines is. */
const LEAST_COST = 256;
const RUN = 20;
const FACTOR = 4;
const FAR = 0x7fffffff;

interface Split {
  i1: number;
  i2: number;
  exactLow: boolean;
  exactHigh: boolean;
}

/** Marks the lines that differ, by Myers' divide and conquer ("An O(ND) Difference Algorithm") with the bounds of xdiff (xdiffi.c). */
export function markChanges(pair: DiffPair): void {
  new Myers(pair).compare(0, pair.a.compared.length, 0, pair.b.compared.length, false);
}

class Myers {
  private readonly forward: Int32Array;
  private readonly backward: Int32Array;
  /** Where diagonal 0 is in both. */
  private readonly zero: number;
  private readonly mostCost: number;
  private readonly a: DiffSide;
  private readonly b: DiffSide;

  constructor({ a, b }: DiffPair) {
    [this.a, this.b] = [a, b];
    const diagonals = a.compared.length + b.compared.length + 3;
    this.forward = new Int32Array(diagonals + 1);
    this.backward = new Int32Array(diagonals + 1);
    this.zero = b.compared.length + 1;
    this.mostCost = Math.max(roughRoot(diagonals), LEAST_COST);
  }

  /** Marks what differs in a box. */
  compare(off1: number, lim1: number, off2: number, lim2: number, exact: boolean): void {
    const [ha1, ha2] = [this.a.compared, this.b.compared];
    while (off1 < lim1 && off2 < lim2 && ha1[off1] === ha2[off2]) {
      off1++;
      off2++;
    }
    while (off1 < lim1 && off2 < lim2 && ha1[lim1 - 1] === ha2[lim2 - 1]) {
      lim1--;
      lim2--;
    }
    if (off1 === lim1) mark(this.b, off2, lim2);
    else if (off2 === lim2) mark(this.a, off1, lim1);
    else {
      const { i1, i2, exactLow, exactHigh } = this.split(off1, lim1, off2, lim2, exact);
      this.compare(off1, i1, off2, i2, exactLow);
      this.compare(i1, lim1, i2, lim2, exactHigh);
    }
  }

  /** Where a box is best divided (xdl_split). */
  private split(off1: number, lim1: number, off2: number, lim2: number, exact: boolean): Split {
    const { forward, backward, zero } = this;
    const [ha1, ha2] = [this.a.compared, this.b.compared];
    const [least, most] = [off1 - lim2, lim1 - off2];
    const [fmid, bmid] = [off1 - off2, lim1 - lim2];
    const isOdd = ((fmid - bmid) & 1) !== 0;
    let [fmin, fmax, bmin, bmax] = [fmid, fmid, bmid, bmid];
    forward[zero + fmid] = off1;
    backward[zero + bmid] = lim1;
    for (let cost = 1; ; cost++) {
      let hasRun = false;
      if (fmin > least) forward[zero + --fmin - 1] = -1;
      else ++fmin;
      if (fmax < most) forward[zero + ++fmax + 1] = -1;
      else --fmax;
      for (let d = fmax; d >= fmin; d -= 2) {
        const [left, right] = [forward[zero + d - 1] as number, forward[zero + d + 1] as number];
        let i1 = left >= right ? left + 1 : right;
        const from = i1;
        let i2 = i1 - d;
        while (i1 < lim1 && i2 < lim2 && ha1[i1] === ha2[i2]) {
          i1++;
          i2++;
        }
        if (i1 - from > RUN) hasRun = true;
        forward[zero + d] = i1;
        if (isOdd && bmin <= d && d <= bmax && (backward[zero + d] as number) <= i1)
          return { i1, i2, exactLow: true, exactHigh: true };
      }
      if (bmin > least) backward[zero + --bmin - 1] = FAR;
      else ++bmin;
      if (bmax < most) backward[zero + ++bmax + 1] = FAR;
      else --bmax;
      for (let d = bmax; d >= bmin; d -= 2) {
        const [left, right] = [backward[zero + d - 1] as number, backward[zero + d + 1] as number];
        let i1 = left < right ? left : right - 1;
        const from = i1;
        let i2 = i1 - d;
        while (i1 > off1 && i2 > off2 && ha1[i1 - 1] === ha2[i2 - 1]) {
          i1--;
          i2--;
        }
        if (from - i1 > RUN) hasRun = true;
        backward[zero + d] = i1;
        if (!isOdd && fmin <= d && d <= fmax && i1 <= (forward[zero + d] as number))
          return { i1, i2, exactLow: true, exactHigh: true };
      }
      if (exact) continue;
      const box = { off1, lim1, off2, lim2, fmin, fmax, bmin, bmax, fmid, bmid };
      const good = hasRun && cost > LEAST_COST ? (this.goodForward(box, cost) ?? this.goodBackward(box, cost)) : null;
      if (good !== null) return good;
      if (cost >= this.mostCost) return this.furthest(box);
    }
  }

  /** A forward path that has come far and ends in a run of equal lines. */
  private goodForward({ off1, lim1, off2, lim2, fmin, fmax, fmid }: Box, cost: number): Split | null {
    const [ha1, ha2] = [this.a.compared, this.b.compared];
    let best = 0;
    let found: Split | null = null;
    for (let d = fmax; d >= fmin; d -= 2) {
      const i1 = this.forward[this.zero + d] as number;
      const i2 = i1 - d;
      const value = i1 - off1 + (i2 - off2) - Math.abs(d - fmid);
      if (value <= FACTOR * cost || value <= best) continue;
      if (off1 + RUN > i1 || i1 >= lim1 || off2 + RUN > i2 || i2 >= lim2) continue;
      let k = 1;
      while (k <= RUN && ha1[i1 - k] === ha2[i2 - k]) k++;
      if (k <= RUN) continue;
      best = value;
      found = { i1, i2, exactLow: true, exactHigh: false };
    }
    return found;
  }

  /** A backward path that has come far and begins with a run of equal lines. */
  private goodBackward({ off1, lim1, off2, lim2, bmin, bmax, bmid }: Box, cost: number): Split | null {
    const [ha1, ha2] = [this.a.compared, this.b.compared];
    let best = 0;
    let found: Split | null = null;
    for (let d = bmax; d >= bmin; d -= 2) {
      const i1 = this.backward[this.zero + d] as number;
      const i2 = i1 - d;
      const value = lim1 - i1 + (lim2 - i2) - Math.abs(d - bmid);
      if (value <= FACTOR * cost || value <= best) continue;
      if (off1 >= i1 || i1 > lim1 - RUN || off2 >= i2 || i2 > lim2 - RUN) continue;
      let k = 0;
      while (k < RUN && ha1[i1 + k] === ha2[i2 + k]) k++;
      if (k < RUN) continue;
      best = value;
      found = { i1, i2, exactLow: false, exactHigh: true };
    }
    return found;
  }

  /** Enough is enough: the path that has come furthest. */
  private furthest({ off1, lim1, off2, lim2, fmin, fmax, bmin, bmax }: Box): Split {
    let [fbest, fbest1] = [-1, -1];
    for (let d = fmax; d >= fmin; d -= 2) {
      let i1 = Math.min(this.forward[this.zero + d] as number, lim1);
      let i2 = i1 - d;
      if (lim2 < i2) {
        i1 = lim2 + d;
        i2 = lim2;
      }
      if (fbest < i1 + i2) [fbest, fbest1] = [i1 + i2, i1];
    }
    let [bbest, bbest1] = [FAR, FAR];
    for (let d = bmax; d >= bmin; d -= 2) {
      let i1 = Math.max(off1, this.backward[this.zero + d] as number);
      let i2 = i1 - d;
      if (i2 < off2) {
        i1 = off2 + d;
        i2 = off2;
      }
      if (i1 + i2 < bbest) [bbest, bbest1] = [i1 + i2, i1];
    }
    if (lim1 + lim2 - bbest < fbest - (off1 + off2)) return { i1: fbest1, i2: fbest - fbest1, exactLow: true, exactHigh: false };
    return { i1: bbest1, i2: bbest - bbest1, exactLow: false, exactHigh: true };
  }
}

interface Box {
  readonly off1: number;
  readonly lim1: number;
  readonly off2: number;
  readonly lim2: number;
  readonly fmin: number;
  readonly fmax: number;
  readonly bmin: number;
  readonly bmax: number;
  readonly fmid: number;
  readonly bmid: number;
}

function mark({ changed, places }: DiffSide, from: number, to: number): void {
  for (let i = from; i < to; i++) changed[(places[i] as number) + 1] = 1;
}
