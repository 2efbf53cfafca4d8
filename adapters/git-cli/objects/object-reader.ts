import { checkRead, type ReadBounds } from '../../../ports/git/read-bounds.js';
import type { GitObject, ObjectFormat, ObjectHeader, Oid } from '../../../ports/vocabulary.js';
import { isTreePath } from '../process/guard.js';
import type { CatFile } from './cat-file.js';
import type { ObjectFiles } from './files/object-files.js';
import type { PromisedObjects } from './partial-clone.js';
import { idsAtPaths } from './tree-paths.js';

/** As many objects are read from their files before a running process would have been quicker. */
const FEW_OBJECTS = 64;

/** What answers for objects. */
export interface ObjectSources {
  readonly format: ObjectFormat;
  readonly objects: CatFile<GitObject>;
  readonly headers: CatFile<ObjectHeader>;
  /** Null where git is told to look elsewhere than in the repository alone. */
  readonly files: ObjectFiles | null;
  /** In a partial clone only, and not where git itself has to fetch. */
  readonly promised: PromisedObjects | null;
}

/** Reads objects: few from their files, many by a git that runs, and in a partial clone what is missing from its remote. */
export class ObjectReader {
  constructor(private readonly sources: ObjectSources) {}

  /** Whether anything has come from a partial clone's remote. */
  get brought(): boolean {
    return this.sources.promised?.brought === true;
  }

  async read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    const { objects, promised } = this.sources;
    const replies = within(bounds, this.few(oids)?.read(oids)) ?? (await objects.ask(oids, bounds));
    if (promised === null) return replies;
    const missing = replies.flatMap((reply, i) => (reply === null ? [i] : []));
    if (missing.length === 0) return replies;
    const ids = missing.map((i) => oids[i] as Oid);
    await promised.bring(ids);
    const brought = await objects.ask(ids, bounds);
    for (const [i, at] of missing.entries()) replies[at] = brought[i] ?? null;
    return replies;
  }

  /** Of what is here: nothing is brought. */
  async headers(oids: readonly Oid[]): Promise<(ObjectHeader | null)[]> {
    return this.few(oids)?.headers(oids) ?? this.sources.headers.ask(oids);
  }

  async prefetch(oids: readonly Oid[]): Promise<void> {
    if (oids.length > 0) await this.sources.promised?.bring(oids);
  }

  async readPaths(root: Oid, paths: readonly string[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    const possible = paths.filter(isTreePath);
    const questions = () => possible.map((path) => `${root}:${path}`);
    const here = within(bounds, this.few(possible)?.readPaths(root, possible));
    const replies = here ?? (await this.sources.objects.ask(questions(), bounds));
    if (this.sources.promised !== null && replies.includes(null)) await this.bringPaths(root, possible, replies, bounds);
    if (possible.length === paths.length) return replies;
    let at = 0;
    return paths.map((path) => (isTreePath(path) ? (replies[at++] ?? null) : null));
  }

  async close(): Promise<void> {
    const { objects, headers, files } = this.sources;
    files?.close();
    await Promise.all([objects.close(), headers.close()]);
  }

  /** Fills in what `git cat-file` could not tell from a path that isn't there. */
  private async bringPaths(
    root: Oid,
    paths: readonly string[],
    replies: (GitObject | null)[],
    bounds?: ReadBounds,
  ): Promise<void> {
    const unknown = replies.flatMap((reply, i) => (reply === null ? [i] : []));
    const wanted = unknown.map((i) => paths[i] as string);
    const ids = await idsAtPaths(root, wanted, this.sources.format, (oids) => this.read(oids, bounds));
    const there = unknown.flatMap((at, i) => (ids[i] === null ? [] : [{ at, oid: ids[i] as Oid }]));
    const objects = await this.read(
      there.map(({ oid }) => oid),
      bounds,
    );
    for (const [i, { at }] of there.entries()) replies[at] = objects[i] ?? null;
  }

  /** Where so little is read that it is done at once. */
  private few(what: readonly unknown[]): ObjectFiles | null {
    return what.length <= FEW_OBJECTS ? this.sources.files : null;
  }
}

/** Objects that are at hand, each small, if together they are within the bounds of a read. Throws `POLICY_VIOLATION` where they aren't. */
function within(
  bounds: ReadBounds | undefined,
  objects: (GitObject | null)[] | null | undefined,
): (GitObject | null)[] | null | undefined {
  if (bounds === undefined) return objects;
  let held = 0;
  for (const object of objects ?? []) {
    if (object === null) continue;
    checkRead(bounds, object.oid, object.type, object.body.length, held);
    held += object.body.length;
  }
  return objects;
}
