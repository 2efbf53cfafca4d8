import type { Oid } from '../../../ports/vocabulary.js';

/** The longest chain of deltas that is handed on: git's own bound. */
const DEEPEST = 50;

/** Notes of a pack that is read: whether its entries may be handed on as they are, and upon how many others each is a delta. */
export class PackNotes {
  private readonly depths = new Map<Oid, number>();
  private odd = false;

  /** Every receiver reads the entries as the one who noted them: what git may see otherwise, or what builds on other objects, is not there. */
  get isPlain(): boolean {
    return !this.odd;
  }

  /** Upon how many others an object is a delta, one upon the next. */
  depthOf(oid: Oid): number {
    return this.depths.get(oid) ?? 0;
  }

  /** An entry is such as not every receiver takes. */
  noteOdd(): void {
    this.odd = true;
  }

  /** An object was made of a delta upon another. */
  noteDelta(oid: Oid, base: Oid): void {
    const depth = 1 + this.depthOf(base);
    if (depth > DEEPEST) this.odd = true;
    this.depths.set(oid, depth);
  }
}
