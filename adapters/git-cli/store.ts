import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MANY_PACKS } from '../../ports/git/many-packs.js';
import { KvError } from '../../ports/error.js';
import type { GitStore, GitStoreCapabilities, HistoryQuery, NewObject, Quarantine } from '../../ports/git/git-store.js';
import { checkRead, type ReadBounds } from '../../ports/git/read-bounds.js';
import type { GitObject, ObjectFormat, ObjectHeader, Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import { CatFile } from './objects/cat-file.js';
import { HEADER_REPLY, OBJECT_REPLY } from './objects/cat-file-reply.js';
import { gitFailed, gitPlace, runGit } from './process/run-git.js';
import type { Environment, GitPlace } from './process/run-git.js';
import { checkOid, isTreePath } from './process/guard.js';
import { mergeBaseIsAncestor, revList, writeChangedPaths } from './objects/history.js';
import { indexTogether, maintain } from './objects/maintenance.js';
import { isPartialClone, placeWithoutRemotes, PromisedObjects } from './objects/partial-clone.js';
import { writeObjects } from './objects/object-writer.js';
import { syncLocksIn } from './refs/ref-locks.js';
import { ObjectFiles } from './objects/files/object-files.js';
import { RefFiles } from './refs/ref-files.js';
import { listRefs, RefTransactions } from './refs/refs.js';
import { findRepository, type Repository } from './config/repository.js';
import { idsAtPaths } from './objects/tree-paths.js';

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

/** Opens a repository with the git program. One short process; the one that will read is started beside it. */
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
    const readers = { objects, headers, promised: apart && new PromisedObjects(around, headers), partial, shallow };
    return new GitCliStore(repository, place, repository.objectsFolder, readers, transactions);
  } catch (error) {
    await objects.close();
    throw error;
  }
}

/** What answers for objects; `promised` in a partial clone only, and not where git itself has to fetch. */
interface Readers {
  readonly objects: CatFile<GitObject>;
  readonly headers: CatFile<ObjectHeader>;
  readonly promised: PromisedObjects | null;
  readonly partial: boolean;
  readonly shallow: boolean;
}

/** A repository on a disk: git reads it, our own code writes packs, and git moves refs. */
export class GitCliStore implements GitStore {
  readonly capabilities: GitStoreCapabilities;
  private closing: Promise<void> | null = null;
  private wrote = false;
  private indexing: Promise<void> = Promise.resolve();
  private packs = 0;
  private readonly refFiles: RefFiles;
  /** Null where git is told to look elsewhere than in the repository alone. */
  private readonly files: ObjectFiles | null;
  readonly objectFormat: ObjectFormat;
  /** The absolute path of the Git directory. */
  readonly gitDir: string;

  constructor(
    private readonly repository: Repository,
    private readonly place: GitPlace,
    /** Where objects are written; null where none may be. */
    private readonly objectsFolder: string | null,
    private readonly readers: Readers,
    private readonly transactions: RefTransactions,
  ) {
    this.objectFormat = repository.objectFormat;
    this.gitDir = repository.gitDir;
    this.refFiles = new RefFiles(repository.commonDir, repository.objectFormat);
    this.files = objectsFolder === null ? null : new ObjectFiles(objectsFolder, repository.objectFormat);
    const { partial, shallow } = readers;
    this.capabilities = { ...GIT_CLI_CAPABILITIES, ...(partial ? { partial } : {}), ...(shallow ? { shallow } : {}) };
  }

  async read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    this.checkOpen();
    for (const oid of oids) checkOid(oid, this.objectFormat);
    return this.readOrBring(oids, bounds);
  }

  async headers(oids: readonly Oid[]): Promise<(ObjectHeader | null)[]> {
    this.checkOpen();
    for (const oid of oids) checkOid(oid, this.objectFormat);
    return this.few(oids)?.headers(oids) ?? this.readers.headers.ask(oids);
  }

  async prefetch(oids: readonly Oid[]): Promise<void> {
    this.checkOpen();
    if (this.readers.promised === null || oids.length === 0) return;
    for (const oid of oids) checkOid(oid, this.objectFormat);
    await this.readers.promised.bring(oids);
  }

  async readPaths(root: Oid, paths: readonly string[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    this.checkOpen();
    checkOid(root, this.objectFormat);
    const possible = paths.filter(isTreePath);
    const replies =
      within(bounds, this.few(possible)?.readPaths(root, possible)) ??
      (await this.readers.objects.ask(
        possible.map((path) => `${root}:${path}`),
        bounds,
      ));
    if (this.readers.promised !== null && replies.includes(null)) await this.bringPaths(root, possible, replies, bounds);
    if (possible.length === paths.length) return replies;
    let at = 0;
    return paths.map((path) => (isTreePath(path) ? (replies[at++] ?? null) : null));
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
    await this.transactions.apply(updates, reason);
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
    const [header] = await this.readers.headers.ask([descendant]); // a commit that is not here is unknown, and not fetched
    if (header?.type !== 'commit') return false;
    // The usual question, on every push: one commit a few steps above the other. It needs no process.
    if (await this.isJustAbove(ancestor, header)) return (await this.headers([ancestor]))[0]?.type === 'commit';
    // git would ask the remote of a partial clone for it.
    if (this.readers.promised !== null && (await this.readers.headers.ask([ancestor]))[0]?.type !== 'commit') return false;
    const answer = await mergeBaseIsAncestor(this.place, ancestor, descendant);
    if (answer !== null) return answer;
    if ((await this.headers([ancestor]))[0]?.type !== 'commit') return false;
    throw gitFailed(`cannot walk from ${descendant} to ${ancestor}`, '');
  }

  /** Whether a commit is another, or is reached from it by first parents within a few steps. */
  private async isJustAbove(ancestor: Oid, from: ObjectHeader): Promise<boolean> {
    let header: ObjectHeader | null | undefined = from;
    for (let step = 0; step < FEW_STEPS && header?.type === 'commit' && header.size <= FEW_BYTES; step++) {
      const [commit] = await this.readers.objects.ask([header.oid]);
      if (commit?.type !== 'commit') return false;
      const parents = parentsOf(commit.body);
      if (commit.oid === ancestor || parents.includes(ancestor)) return true;
      const [first] = parents;
      if (first === undefined) return false;
      [header] = await this.readers.headers.ask([first]);
    }
    return false;
  }

  async *history(query: HistoryQuery): AsyncIterable<Oid> {
    this.checkOpen();
    yield* revList(this.place, this.objectFormat, query);
  }

  async prepareHistory(tip: Oid): Promise<boolean> {
    this.checkOpen();
    return this.objectsFolder !== null && (await writeChangedPaths(this.place, this.objectFormat, tip));
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
    const { objects, headers, promised } = this.readers;
    this.files?.close();
    this.closing ??= Promise.all([objects.close(), headers.close(), this.transactions.close(), this.indexing]).then(async () => {
      const added = this.wrote || promised?.brought === true;
      if (added && this.objectsFolder !== null) await maintain(this.place, this.objectsFolder);
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
    const { partial, shallow } = this.readers;
    const readers = { objects, headers, promised: null, partial, shallow };
    return new GitCliStore(this.repository, place, null, readers, new RefTransactions(place, this.objectFormat));
  }

  /** Reads objects; in a partial clone, what is missing is brought over one connection and read then. */
  private async readOrBring(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    const { objects, promised } = this.readers;
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

  /** Fills in what `git cat-file` could not tell from a path that isn't there. */
  private async bringPaths(
    root: Oid,
    paths: readonly string[],
    replies: (GitObject | null)[],
    bounds?: ReadBounds,
  ): Promise<void> {
    const unknown = replies.flatMap((reply, i) => (reply === null ? [i] : []));
    const wanted = unknown.map((i) => paths[i] as string);
    const ids = await idsAtPaths(root, wanted, this.objectFormat, (oids) => this.readOrBring(oids, bounds));
    const there = unknown.flatMap((at, i) => (ids[i] === null ? [] : [{ at, oid: ids[i] as Oid }]));
    const objects = await this.readOrBring(
      there.map(({ oid }) => oid),
      bounds,
    );
    for (const [i, { at }] of there.entries()) replies[at] = objects[i] ?? null;
  }

  /** Where so little is read that it is done at once. */
  private few(what: readonly unknown[]): ObjectFiles | null {
    return what.length <= FEW_OBJECTS ? this.files : null;
  }

  private writable(what: string): string {
    if (this.objectsFolder !== null) return this.objectsFolder;
    throw new KvError('NOT_SUPPORTED', `cannot ${what} in the quarantine of a push`, { hint: 'open the repository itself' });
  }

  private checkOpen(): void {
    if (this.closing === null) return;
    throw new KvError('UNEXPECTED', `the store of '${this.gitDir}' is closed`, { hint: 'open it again' });
  }
}

/** A process costs as much as this many questions to one that runs. */
const FEW_STEPS = 32;

/** As many objects are read from their files before a running process would have been quicker. */
const FEW_OBJECTS = 64;

/** A commit that has more would cost this process its memory: git is asked, which takes it in its own. Bytes. */
const FEW_BYTES = 1024 ** 2;

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

function parentsOf(commit: Uint8Array): string[] {
  const text = Buffer.from(commit.buffer, commit.byteOffset, Math.min(commit.byteLength, 4096)).toString('latin1');
  const end = text.indexOf('\n\n');
  return [...text.slice(0, end < 0 ? text.length : end).matchAll(/^parent ([0-9a-f]+)$/gm)].map((match) => match[1] as string);
}
