import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { Generations } from '../../git/generations.js';
import type { TreeReader } from '../../git/tree/tree-draft.js';
import { behind } from './overlay.js';

/**
 * Trees that were read or built last, so that the next transaction finds those that it touches in memory; and the objects that were built
 * and are not written yet, which no store has. Bounded by bytes; what was used longest ago goes first.
 */
export class WarmTrees implements TreeReader {
  private readonly trees: Generations<Oid, GitObject>;
  private readonly unwritten = new Map<Oid, GitObject>();

  constructor(
    private readonly store: Pick<GitStore, 'read'>,
    most: () => number,
  ) {
    this.trees = new Generations(most, ({ body }) => body.length);
  }

  async read(oids: readonly Oid[]): Promise<(GitObject | null)[]> {
    return behind(
      oids,
      (oid) => this.unwritten.get(oid) ?? this.trees.get(oid),
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

  private keep({ oid, type, body }: GitObject): void {
    if (type === 'tree') this.trees.set(oid, { oid, type, body });
  }
}
