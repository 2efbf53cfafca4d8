import type { GitObject, Oid } from '../../../ports/vocabulary.js';

/** A larger object is not worth its room. Bytes. */
const SMALL = 16 * 1024;

/** All that is kept has no more than this. Bytes. */
const ROOM = 8 * 1024 ** 2;

/**
 * Commits and trees that were read lately: every path leads through the same few, and nodegit takes some 50 microseconds to read one that
 * libgit2 itself has in memory. An object never changes, so that what is kept is never wrong.
 */
export class KeptObjects {
  /** The one that was not asked for longest comes first. */
  private readonly objects = new Map<Oid, GitObject>();
  private size = 0;

  get(oid: Oid): GitObject | undefined {
    const object = this.objects.get(oid);
    if (object === undefined) return undefined;
    this.objects.delete(oid);
    this.objects.set(oid, object);
    return object;
  }

  put(object: GitObject): void {
    const { oid, type, body } = object;
    if ((type !== 'tree' && type !== 'commit') || body.length > SMALL || this.objects.has(oid)) return;
    this.objects.set(oid, object);
    this.size += body.length;
    for (const [oldest, { body: gone }] of this.objects) {
      if (this.size <= ROOM) return;
      this.objects.delete(oldest);
      this.size -= gone.length;
    }
  }
}
