import { KvError } from '../../ports/error.js';
import type { GitStore, HistoryQuery } from '../../ports/git/git-store.js';
import type { ReadBounds } from '../../ports/git/read-bounds.js';
import type { GitObject, ObjectHeader, Oid } from '../../ports/vocabulary.js';
import { checkOid, isTreePath } from './guard.js';
import { History } from './history/history.js';
import type { LibraryOdb, LibraryRepository, Nodegit } from './library/binding.js';
import { Headers } from './objects/headers/headers.js';
import { ObjectReader } from './objects/reader.js';
import { readPaths } from './objects/tree-paths.js';

/** What a view is of: a database, a repository around it, and the folders that its objects are in, besides those of the view behind. */
export interface Viewed {
  readonly nodegit: Nodegit;
  readonly repository: LibraryRepository;
  readonly odb: LibraryOdb;
  readonly folders: readonly string[];
  /** What a quarantine stands in front of. */
  readonly behind?: ObjectView;
}

/** The objects of a repository, or of a quarantine and the repository behind it: all that a store reads but refs. */
export class ObjectView implements Pick<GitStore, 'read' | 'headers' | 'readPaths' | 'isAncestor' | 'history'> {
  private readonly reader: ObjectReader;
  private readonly walks: History;
  private closed = false;

  constructor({ nodegit, repository, odb, folders, behind }: Viewed) {
    const other = behind?.reader ?? null;
    this.reader = new ObjectReader(odb, new Headers(folders, other?.headers), other);
    this.walks = new History(nodegit, repository, this.reader);
  }

  async read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    this.checkOpen();
    for (const oid of oids) checkOid(oid);
    return this.reader.read(oids, bounds);
  }

  async headers(oids: readonly Oid[]): Promise<(ObjectHeader | null)[]> {
    this.checkOpen();
    for (const oid of oids) checkOid(oid);
    return this.reader.headers.ask(oids);
  }

  async readPaths(root: Oid, paths: readonly string[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    this.checkOpen();
    checkOid(root);
    const possible = paths.filter(isTreePath);
    const found = await readPaths(this.reader, root, possible, bounds);
    if (possible.length === paths.length) return found;
    let at = 0;
    return paths.map((path) => (isTreePath(path) ? (found[at++] ?? null) : null));
  }

  async isAncestor(ancestor: Oid, descendant: Oid): Promise<boolean> {
    this.checkOpen();
    return this.walks.isAncestor(ancestor, descendant);
  }

  async *history(query: HistoryQuery): AsyncIterable<Oid> {
    this.checkOpen();
    yield* this.walks.walk(query);
  }

  /** Throws `UNEXPECTED` once it is closed. */
  checkOpen(): void {
    if (this.closed) throw new KvError('UNEXPECTED', 'this store is closed', { hint: 'open it again' });
  }

  close(): void {
    this.closed = true;
    this.reader.headers.close();
  }
}
