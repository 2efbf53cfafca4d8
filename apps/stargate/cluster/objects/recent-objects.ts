import { Generations } from '../../../../domain/git/generations.js';
import type { TreeReader } from '../../../../domain/git/tree/tree-draft.js';
import type { GitStore } from '../../../../ports/git/git-store.js';
import type { ReadBounds } from '../../../../ports/git/read-bounds.js';
import type { GitObject, Oid } from '../../../../ports/vocabulary.js';

/** What is kept, and the largest of it, bytes. */
const MOST_BYTES = 8 * 1024 * 1024;
const LARGEST = 256 * 1024;
/** What an object takes besides its body, bytes. */
const AN_OBJECT = 300;

/** Reads objects of a repository; those that entries have brought of late from memory, also before they are on the disk. */
export class RecentObjects implements TreeReader {
  private readonly kept = new Generations<Oid, GitObject>(
    () => MOST_BYTES,
    ({ body }) => body.length + AN_OBJECT,
  );

  constructor(private readonly store: Pick<GitStore, 'read'>) {}

  /** Keeps what is on its way to the disk, or is there. */
  keep(objects: Iterable<GitObject>): void {
    for (const object of objects) if (object.body.length <= LARGEST) this.kept.set(object.oid, object);
  }

  async read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    const found = oids.map((oid) => this.kept.get(oid) ?? null);
    const unknown = oids.filter((_, at) => found[at] === null);
    if (unknown.length === 0) return found;
    const read = await this.store.read(unknown, bounds);
    this.keep(read.flatMap((object) => (object === null ? [] : [copied(object)])));
    let next = 0;
    return found.map((object) => object ?? read[next++] ?? null);
  }
}

/** A body may be a view of a buffer that is many times as large. */
const copied = (object: GitObject): GitObject => ({ ...object, body: new Uint8Array(object.body) });
