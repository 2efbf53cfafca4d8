import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import type { TreeReader } from '../../git/tree-draft.js';
import { behind } from './overlay.js';

/**
 * Trees that were read or built last, so that the next transaction finds those that it touches in memory; and the objects that were built
 * and are not written yet, which no store has. Bounded by bytes; what was used longest ago goes first.
 */
export class WarmTrees implements TreeReader {
  private readonly trees = new Map<Oid, GitObject>();
  private bytes = 0;
  private readonly unwritten = new Map<Oid, GitObject>();

  constructor(
    private readonly store: Pick<GitStore, 'read'>,
    private readonly most: () => number,
  ) {}

  async read(oids: readonly Oid[]): Promise<(GitObject | null)[]> {
    return behind(
      oids,
      (oid) => this.unwritten.get(oid) ?? this.touched(oid),
      async (missing) => {
        const objects = await this.store.read(missing);
        for (const object of objects) if (object !== null) this.keep(object);
        return objects;
      },
    );
  }

  /** Objects that are going to be written: they are seen from now on. */
  add(objects: readonly NewObject[]): void {
    for (const object of objects) this.unwritten.set(object.oid, object);
  }

  /** What was added is in the store now. */
  written(): void {
    for (const object of this.unwritten.values()) this.keep(object);
    this.unwritten.clear();
  }

  /** What was added will not be written. */
  forget(): void {
    this.unwritten.clear();
  }

  private touched(oid: Oid): GitObject | undefined {
    const object = this.trees.get(oid);
    if (object === undefined) return undefined;
    this.trees.delete(oid);
    this.trees.set(oid, object);
    return object;
  }

  private keep(object: GitObject): void {
    if (object.type !== 'tree' || this.trees.has(object.oid)) return;
    this.trees.set(object.oid, object);
    this.bytes += object.body.length;
    for (const [oid, { body }] of this.trees) {
      if (this.bytes <= this.most()) return;
      this.trees.delete(oid);
      this.bytes -= body.length;
    }
  }
}
