import { KvError } from '../../ports/error.js';
import type { GitStore, GitStoreCapabilities, HistoryQuery, NewObject, Quarantine } from '../../ports/git/git-store.js';
import type { ReadBounds } from '../../ports/git/read-bounds.js';
import type { GitObject, ObjectHeader, Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import { checkOid, checkRef } from './guard.js';
import type { Nodegit } from './library/binding.js';
import { loadNodegit } from './library/load.js';
import { writeObjects } from './objects/writer.js';
import { openQuarantine } from './quarantine.js';
import { Refs } from './refs/refs.js';
import { RefTransactions } from './refs/transaction.js';
import { openRepository, type Repository } from './repository.js';
import { ObjectView } from './view.js';

/** What a repository on a disk can do through libgit2. */
export const NODEGIT_CAPABILITIES: GitStoreCapabilities = {
  objectFormats: ['sha1'],
  durable: true,
  pathHistory: true,
  quarantines: ['given', 'new'],
};

/** Which repository is opened. */
export interface NodegitStoreOptions {
  /** The Git directory, or a folder to look for one from. */
  readonly directory: string;
  /** Of it, GIT_CEILING_DIRECTORIES alone is heard. libgit2 reads the configuration of this process's own HOME. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Opens a repository with libgit2. Throws as `loadNodegit` and `openRepository` do. */
export async function openNodegitStore({ directory, env }: NodegitStoreOptions): Promise<NodegitStore> {
  const nodegit = await loadNodegit();
  const repository = await openRepository(nodegit, directory, env);
  const odb = await repository.library.odb();
  const folders = [repository.objectsFolder, ...repository.alternates];
  return new NodegitStore(nodegit, repository, new ObjectView({ nodegit, repository: repository.library, odb, folders }));
}

/** A repository on a disk: libgit2 reads it and moves its refs, our own code writes its objects. */
export class NodegitStore implements GitStore {
  readonly objectFormat = 'sha1';
  readonly capabilities: GitStoreCapabilities;
  private readonly tips: Refs;
  private readonly transactions: RefTransactions;
  private closing: Promise<void> | null = null;

  constructor(
    private readonly nodegit: Nodegit,
    private readonly repository: Repository,
    private readonly view: ObjectView,
  ) {
    this.capabilities = { ...NODEGIT_CAPABILITIES, ...(repository.shallow ? { shallow: true } : {}) };
    this.tips = new Refs(nodegit, repository.library);
    this.transactions = new RefTransactions(nodegit, repository.library, this.tips, repository.commonDir);
  }

  /** The absolute path of the Git directory. */
  get gitDir(): string {
    return this.repository.gitDir;
  }

  read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    return this.view.read(oids, bounds);
  }

  headers(oids: readonly Oid[]): Promise<(ObjectHeader | null)[]> {
    return this.view.headers(oids);
  }

  readPaths(root: Oid, paths: readonly string[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    return this.view.readPaths(root, paths, bounds);
  }

  async write(objects: Iterable<NewObject> | AsyncIterable<NewObject>): Promise<void> {
    this.view.checkOpen();
    await writeObjects(this.repository.objectsFolder, objects);
  }

  async refs(patterns: readonly string[]): Promise<Map<RefName, Oid>> {
    this.view.checkOpen();
    return this.tips.list(patterns);
  }

  async updateRefs(updates: readonly RefUpdate[], reason: string): Promise<void> {
    this.view.checkOpen();
    for (const { ref, old, next } of updates) {
      checkRef(ref);
      if (old !== null) checkOid(old);
      if (next !== null) checkOid(next);
    }
    if (new Set(updates.map(({ ref }) => ref)).size < updates.length) {
      throw new KvError('GIT_ERROR', 'a transaction moves one ref twice', { hint: 'give each ref one update' });
    }
    await this.checkTargets(updates);
    await this.transactions.apply(updates, reason);
  }

  isAncestor(ancestor: Oid, descendant: Oid): Promise<boolean> {
    return this.view.isAncestor(ancestor, descendant);
  }

  history(query: HistoryQuery): AsyncIterable<Oid> {
    return this.view.history(query);
  }

  async openQuarantine(path: string | null): Promise<Quarantine> {
    this.view.checkOpen();
    const { nodegit, repository, tips: refs, view } = this;
    return openQuarantine({ nodegit, repository, refs, view }, path);
  }

  async close(): Promise<void> {
    this.view.close();
    this.closing ??= this.transactions.close().then(() => this.repository.library.cleanup());
    await this.closing;
  }

  /** libgit2 lets a ref point to nothing. */
  private async checkTargets(updates: readonly RefUpdate[]): Promise<void> {
    const moved = updates.flatMap(({ ref, old, next }) => (next === null || next === old ? [] : [{ ref, next }]));
    const heads = await this.view.headers(moved.map(({ next }) => next));
    for (const [i, { ref, next }] of moved.entries()) {
      if (heads[i] != null) continue;
      throw new KvError('GIT_ERROR', `cannot move '${ref}': there is no object ${next}`, { hint: 'write it first' });
    }
  }
}
