import { resolve } from 'node:path';
import { KvError } from '../../ports/error.js';
import type { GitStore, GitStoreCapabilities, HistoryQuery, NewObject } from '../../ports/git-store.js';
import type { GitObject, ObjectFormat, ObjectHeader, Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import { CatFile } from './cat-file.js';
import { HEADER_REPLY, OBJECT_REPLY } from './cat-file-reply.js';
import { gitFailed, gitPlace } from './git.js';
import type { Environment, GitPlace } from './git.js';
import { checkOid, isTreePath } from './guard.js';
import { mergeBaseIsAncestor, revList, writeChangedPaths } from './history.js';
import { maintain } from './maintenance.js';
import { writeObjects } from './object-writer.js';
import { quarantineEnvironment } from './quarantine.js';
import { listRefs, RefTransactions } from './refs.js';
import { findRepository } from './repository.js';

export const GIT_CLI_CAPABILITIES: GitStoreCapabilities = { objectFormats: ['sha1', 'sha256'], durable: true, pathHistory: true };

export interface GitStoreOptions {
  /** The Git directory, or a folder to look for one from. */
  readonly directory: string;
  readonly env: Environment;
  /** The absolute path of a push's quarantine: reads see it in front of the repository, and writes are `NOT_SUPPORTED`. */
  readonly quarantine?: string;
}

/** Opens a repository with the git program. One short process; the one that will read is started beside it. */
export async function openGitStore(options: GitStoreOptions): Promise<GitCliStore> {
  const extra = options.quarantine === undefined ? {} : quarantineEnvironment(options.quarantine);
  const objects = new CatFile(gitPlace(resolve(options.directory), options.env, extra), '--batch', OBJECT_REPLY);
  objects.warm();
  try {
    const repository = await findRepository(options.directory, options.env);
    const place = { cwd: repository.place.cwd, env: { ...repository.place.env, ...extra } };
    objects.moveTo(place);
    const folder = options.quarantine === undefined ? repository.objectsFolder : null;
    const store = new GitCliStore(repository.objectFormat, place, repository.gitDir, folder, objects);
    if (options.quarantine !== undefined) store.warm();
    return store;
  } catch (error) {
    await objects.close();
    throw error;
  }
}

export class GitCliStore implements GitStore {
  readonly capabilities = GIT_CLI_CAPABILITIES;
  private readonly headerReader: CatFile<ObjectHeader>;
  private readonly transactions: RefTransactions;
  private closing: Promise<void> | null = null;
  private wrote = false;

  constructor(
    readonly objectFormat: ObjectFormat,
    private readonly place: GitPlace,
    /** The absolute path of the Git directory. */
    readonly gitDir: string,
    private readonly objectsFolder: string | null,
    private readonly objects: CatFile<GitObject>,
  ) {
    this.headerReader = new CatFile(place, '--batch-check', HEADER_REPLY);
    this.transactions = new RefTransactions(place, objectFormat);
  }

  /** Starts the process that answers `headers` before it is asked: a push waits for both, one after the other otherwise. */
  warm(): void {
    this.headerReader.warm();
  }

  async read(oids: readonly Oid[]): Promise<(GitObject | null)[]> {
    this.checkOpen();
    for (const oid of oids) checkOid(oid, this.objectFormat);
    return this.objects.ask(oids);
  }

  async headers(oids: readonly Oid[]): Promise<(ObjectHeader | null)[]> {
    this.checkOpen();
    for (const oid of oids) checkOid(oid, this.objectFormat);
    return this.headerReader.ask(oids);
  }

  async readPaths(root: Oid, paths: readonly string[]): Promise<(GitObject | null)[]> {
    this.checkOpen();
    checkOid(root, this.objectFormat);
    const possible = paths.filter(isTreePath);
    const replies = await this.objects.ask(possible.map((path) => `${root}:${path}`));
    if (possible.length === paths.length) return replies;
    let at = 0;
    return paths.map((path) => (isTreePath(path) ? (replies[at++] ?? null) : null));
  }

  async write(objects: Iterable<NewObject> | AsyncIterable<NewObject>): Promise<void> {
    this.checkOpen();
    await writeObjects(this.writable('write objects'), this.objectFormat, objects);
    this.wrote = true;
  }

  async refs(patterns: readonly string[]): Promise<Map<RefName, Oid>> {
    this.checkOpen();
    return listRefs(this.place, patterns);
  }

  async updateRefs(updates: readonly RefUpdate[], reason: string): Promise<void> {
    this.checkOpen();
    this.writable('move refs');
    await this.transactions.apply(updates, reason);
  }

  async isAncestor(ancestor: Oid, descendant: Oid): Promise<boolean> {
    this.checkOpen();
    checkOid(ancestor, this.objectFormat);
    checkOid(descendant, this.objectFormat);
    const [commit] = await this.read([descendant]);
    if (commit?.type !== 'commit') return false;
    // The usual question, on every push: one commit on top of the other. It needs no process.
    if (ancestor === descendant || parentsOf(commit.body).includes(ancestor)) {
      return (await this.headers([ancestor]))[0]?.type === 'commit';
    }
    const answer = await mergeBaseIsAncestor(this.place, ancestor, descendant);
    if (answer !== null) return answer;
    const [header] = await this.headers([ancestor]);
    if (header?.type !== 'commit') return false;
    throw gitFailed(`cannot walk from ${descendant} to ${ancestor}`, '');
  }

  async *history(query: HistoryQuery): AsyncIterable<Oid> {
    this.checkOpen();
    yield* revList(this.place, this.objectFormat, query);
  }

  async prepareHistory(tip: Oid): Promise<boolean> {
    this.checkOpen();
    return this.objectsFolder !== null && (await writeChangedPaths(this.place, this.objectFormat, tip));
  }

  async close(): Promise<void> {
    this.closing ??= Promise.all([this.objects.close(), this.headerReader.close(), this.transactions.close()]).then(async () => {
      if (this.wrote && this.objectsFolder !== null) await maintain(this.place, this.objectsFolder);
    });
    await this.closing;
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

function parentsOf(commit: Uint8Array): string[] {
  const text = Buffer.from(commit.buffer, commit.byteOffset, Math.min(commit.byteLength, 4096)).toString('latin1');
  const end = text.indexOf('\n\n');
  return [...text.slice(0, end < 0 ? text.length : end).matchAll(/^parent ([0-9a-f]+)$/gm)].map((match) => match[1] as string);
}
