import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MANY_PACKS } from '../../ports/git/many-packs.js';
import { KvError } from '../../ports/error.js';
import type { GitStore, GitStoreCapabilities, HistoryQuery, NewObject, Quarantine } from '../../ports/git/git-store.js';
import type { ReadBounds } from '../../ports/git/read-bounds.js';
import type { GitObject, ObjectFormat, ObjectHeader, Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import { CatFile } from './objects/cat-file.js';
import { HEADER_REPLY, OBJECT_REPLY } from './objects/cat-file-reply.js';
import { gitFailed, gitPlace, runGit } from './process/run-git.js';
import type { Environment, GitPlace } from './process/run-git.js';
import { checkOid } from './process/guard.js';
import { isAncestor } from './objects/ancestry.js';
import { revList, writeChangedPaths } from './objects/history.js';
import { indexTogether, maintain } from './objects/maintenance.js';
import { isPartialClone, placeWithoutRemotes, PromisedObjects } from './objects/partial-clone.js';
import { writeObjects } from './objects/object-writer.js';
import { syncLocksIn } from './refs/ref-locks.js';
import { ObjectReader } from './objects/object-reader.js';
import { ObjectFiles } from './objects/files/object-files.js';
import { RefFiles } from './refs/ref-files.js';
import { listRefs, RefTransactions } from './refs/refs.js';
import { findRepository, type Repository } from './config/repository.js';

/** What a repository that git keeps on a disk can do. */
export const GIT_CLI_CAPABILITIES: GitStoreCapabilities = {
  objectFormats: ['sha1', 'sha256'],
  durable: true,
  pathHistory: true,
  quarantines: ['given', 'new'],
};

/** Which repository is opened, and the environment that git runs in. */
export interface GitStoreOptions {
  /** The Git directory, or a folder to look for one from. */
  readonly directory: string;
  readonly env: Environment;
}

/** Opens a repository with the git program. One short process; those that read are started when more is read than few objects. */
export async function openGitStore(options: GitStoreOptions): Promise<GitCliStore> {
  const around = gitPlace(resolve(options.directory), options.env);
  let objects = new CatFile(around, '--batch', OBJECT_REPLY);
  try {
    const repository = await findRepository(options.directory, options.env);
    const { place, objectFormat, commonDir, takesCommands } = repository;
    objects.moveTo(place, takesCommands);
    const transactions = new RefTransactions(place, objectFormat, repository.syncsRefs ? null : syncLocksIn(commonDir));
    let readingPlace = place;
    const partial = isPartialClone(repository);
    const apart = partial ? await placeWithoutRemotes(repository) : null;
    if (apart !== null) {
      readingPlace = apart;
      await objects.close(); // git would fetch the objects that it misses, one by one
      objects = new CatFile(apart, '--batch', OBJECT_REPLY, takesCommands);
    }
    const headers = new CatFile(readingPlace, '--batch-check', HEADER_REPLY, takesCommands);
    const shallow = existsSync(join(commonDir, 'shallow'));
    const { objectsFolder } = repository;
    const files = new ObjectFiles(objectsFolder, objectFormat);
    const promised = apart && new PromisedObjects(around, headers);
    const reader = new ObjectReader({ format: objectFormat, objects, headers, files, promised });
    const kind = { ...(partial ? { partial } : {}), ...(shallow ? { shallow } : {}) };
    return new GitCliStore(repository, { place, objectsFolder, reader, transactions, kind });
  } catch (error) {
    await objects.close();
    throw error;
  }
}

/** What a store reads, writes and moves refs with. */
interface StoreParts {
  readonly place: GitPlace;
  /** Where objects are written; null where none may be. */
  readonly objectsFolder: string | null;
  readonly reader: ObjectReader;
  readonly transactions: RefTransactions;
  /** What a clone may be. */
  readonly kind: Pick<GitStoreCapabilities, 'partial' | 'shallow'>;
}

/** A repository on a disk: git reads it, our own code writes packs, and git moves refs. */
export class GitCliStore implements GitStore {
  readonly capabilities: GitStoreCapabilities;
  private closing: Promise<void> | null = null;
  private wrote = false;
  private indexing: Promise<void> = Promise.resolve();
  private packs = 0;
  private readonly refFiles: RefFiles;
  readonly objectFormat: ObjectFormat;
  /** The absolute path of the Git directory. */
  readonly gitDir: string;

  constructor(
    private readonly repository: Repository,
    private readonly parts: StoreParts,
  ) {
    this.objectFormat = repository.objectFormat;
    this.gitDir = repository.gitDir;
    this.refFiles = new RefFiles(repository.commonDir, repository.objectFormat);
    this.capabilities = { ...GIT_CLI_CAPABILITIES, ...parts.kind };
  }

  private get place(): GitPlace {
    return this.parts.place;
  }

  private get reader(): ObjectReader {
    return this.parts.reader;
  }

  async read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    this.checkOpen();
    for (const oid of oids) checkOid(oid, this.objectFormat);
    return this.reader.read(oids, bounds);
  }

  async headers(oids: readonly Oid[]): Promise<(ObjectHeader | null)[]> {
    this.checkOpen();
    for (const oid of oids) checkOid(oid, this.objectFormat);
    return this.reader.headers(oids);
  }

  async prefetch(oids: readonly Oid[]): Promise<void> {
    this.checkOpen();
    for (const oid of oids) checkOid(oid, this.objectFormat);
    await this.reader.prefetch(oids);
  }

  async readPaths(root: Oid, paths: readonly string[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    this.checkOpen();
    checkOid(root, this.objectFormat);
    return this.reader.readPaths(root, paths, bounds);
  }

  async write(objects: Iterable<NewObject> | AsyncIterable<NewObject>): Promise<void> {
    this.checkOpen();
    const folder = this.writable('write objects');
    const packed = await writeObjects(folder, this.objectFormat, objects);
    this.wrote = true;
    // Whoever writes pack after pack, as an import does, reads what the packs before have.
    if (packed && ++this.packs % MANY_PACKS === 0) this.indexing = this.indexing.then(() => indexTogether(this.place, folder));
  }

  async takePack(pack: Uint8Array): Promise<void> {
    this.checkOpen();
    this.writable('write objects');
    const settings = ['-c', 'core.fsync=objects,derived-metadata'];
    const result = await runGit(this.place, [...settings, 'index-pack', '--stdin', '--fix-thin', '--strict'], { input: pack });
    if (result.code !== 0) throw gitFailed('cannot take a pack in', result.stderr);
    this.wrote = true;
  }

  async refs(patterns: readonly string[]): Promise<Map<RefName, Oid>> {
    this.checkOpen();
    return this.refFiles.read(patterns) ?? listRefs(this.place, patterns);
  }

  async updateRefs(updates: readonly RefUpdate[], reason: string): Promise<void> {
    this.checkOpen();
    this.writable('move refs');
    await this.parts.transactions.apply(updates, reason);
  }

  // HEAD is asked for by ordinary repositories alone: a command that reads a key must not load it.
  async head(): Promise<RefName | Oid> {
    this.checkOpen();
    const { readHead } = await import('./refs/head.js');
    return readHead(this.gitDir, this.objectFormat);
  }

  async setHead(target: RefName | Oid): Promise<void> {
    this.checkOpen();
    this.writable('move HEAD');
    if (!target.startsWith('refs/heads/') && (await this.headers([target]))[0]?.type !== 'commit')
      throw new KvError('INPUT_INVALID', `HEAD can't name ${target}, which is no commit here`);
    const { writeHead } = await import('./refs/head.js');
    await writeHead(this.gitDir, this.objectFormat, target);
  }

  async isAncestor(ancestor: Oid, descendant: Oid): Promise<boolean> {
    this.checkOpen();
    checkOid(ancestor, this.objectFormat);
    checkOid(descendant, this.objectFormat);
    return isAncestor(this.reader, this.place, ancestor, descendant);
  }

  async *history(query: HistoryQuery): AsyncIterable<Oid> {
    this.checkOpen();
    yield* revList(this.place, this.objectFormat, query);
  }

  async prepareHistory(tip: Oid): Promise<boolean> {
    this.checkOpen();
    return this.parts.objectsFolder !== null && (await writeChangedPaths(this.place, this.objectFormat, tip));
  }

  async openQuarantine(path: string | null): Promise<Quarantine> {
    this.checkOpen();
    // Only a gateway has one: a command that reads must not load it.
    const { openQuarantine } = await import('./objects/quarantine.js');
    return openQuarantine(this.repository, path, {
      readThrough: (place) => this.readingFrom(place),
      accepted: () => {
        this.wrote = true;
      },
    });
  }

  async close(): Promise<void> {
    this.closing ??= Promise.all([this.reader.close(), this.parts.transactions.close(), this.indexing]).then(async () => {
      const added = this.wrote || this.reader.brought;
      if (added && this.parts.objectsFolder !== null) await maintain(this.place, this.parts.objectsFolder);
    });
    await this.closing;
  }

  /** A store that reads the same repository from another place and changes nothing. What it will be asked by is started now. */
  private readingFrom(place: GitPlace): GitStore {
    const { takesCommands } = this.repository;
    const objects = new CatFile(place, '--batch', OBJECT_REPLY, takesCommands);
    const headers = new CatFile(place, '--batch-check', HEADER_REPLY, takesCommands);
    // A push waits for both, one after the other otherwise.
    objects.warm();
    headers.warm();
    const reader = new ObjectReader({ format: this.objectFormat, objects, headers, files: null, promised: null });
    const transactions = new RefTransactions(place, this.objectFormat);
    return new GitCliStore(this.repository, { place, objectsFolder: null, reader, transactions, kind: this.parts.kind });
  }

  private writable(what: string): string {
    if (this.parts.objectsFolder !== null) return this.parts.objectsFolder;
    throw new KvError('NOT_SUPPORTED', `cannot ${what} in the quarantine of a push`, { hint: 'open the repository itself' });
  }

  private checkOpen(): void {
    if (this.closing === null) return;
    throw new KvError('UNEXPECTED', `the store of '${this.gitDir}' is closed`, { hint: 'open it again' });
  }
}
