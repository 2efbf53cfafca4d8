import { KvError } from '../../../ports/error.js';
import { checkRead, type ReadBounds } from '../../../ports/git/read-bounds.js';
import type { GitObject, ObjectHeader, Oid } from '../../../ports/vocabulary.js';
import type { LibraryOdb } from '../library/binding.js';
import { libraryFailed } from '../library/failure.js';
import type { Headers } from './headers/headers.js';
import { KeptObjects } from './kept-objects.js';

/** libgit2 reads one object at a time; so many questions wait for it. */
const AT_A_TIME = 256;

/** nodegit copies with a length of 31 bits. */
const LARGEST = 2 ** 31 - 1;

/** Reads objects through libgit2, each after its size was looked at: nodegit tells neither a size nor that an object is damaged. */
export class ObjectReader {
  private readonly kept = new KeptObjects();

  constructor(
    private readonly odb: LibraryOdb,
    readonly headers: Headers,
    /** What a quarantine stands in front of. */
    private readonly behind: ObjectReader | null = null,
  ) {}

  /** Objects in the order asked, null where there is none; bounds and errors as the port has them. */
  async read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    const found = new Map<Oid, GitObject>();
    const asked = [...new Set(oids)];
    for (const oid of asked) {
      const kept = this.kept.get(oid) ?? this.behind?.kept.get(oid);
      if (kept !== undefined) found.set(oid, kept);
    }
    const heads = await this.headers.ask(asked.filter((oid) => !found.has(oid)));
    const there = heads.flatMap((head) => (head === null ? [] : [head]));
    if (bounds !== undefined) checkBounds(oids, found, there, bounds);
    for (let at = 0; at < there.length; at += AT_A_TIME) {
      const some = await Promise.all(there.slice(at, at + AT_A_TIME).map((head) => this.readOne(head)));
      for (const object of some) found.set(object.oid, object);
    }
    for (const { oid } of there) this.kept.put(found.get(oid) as GitObject);
    return oids.map((oid) => found.get(oid) ?? null);
  }

  private async readOne({ oid, type, size }: ObjectHeader): Promise<GitObject> {
    if (size > LARGEST) {
      throw new KvError('NOT_SUPPORTED', `object ${oid} has ${size} bytes, more than nodegit reads of one`, {
        hint: "name git-cli as the profile's git-store",
      });
    }
    try {
      // The second try is for an object that was packed, and its file taken away, since it was looked for.
      const object = (await this.odb.read(oid)) ?? (await this.odb.read(oid));
      if (object !== null) return { oid, type, body: object.data().toBuffer(object.size()) };
    } catch (error) {
      throw libraryFailed(`cannot read object ${oid}`, error);
    }
    throw new KvError('GIT_ERROR', `object ${oid} is damaged`, { hint: 'check the repository with `git fsck`' });
  }
}

function checkBounds(
  oids: readonly Oid[],
  kept: ReadonlyMap<Oid, GitObject>,
  there: readonly ObjectHeader[],
  bounds: ReadBounds,
): void {
  const sizes = new Map(there.map((head) => [head.oid, head]));
  let held = 0;
  for (const oid of oids) {
    const object = kept.get(oid);
    const head = object === undefined ? sizes.get(oid) : { type: object.type, size: object.body.length };
    if (head === undefined) continue;
    checkRead(bounds, oid, head.type, head.size, held);
    held += head.size;
  }
}
