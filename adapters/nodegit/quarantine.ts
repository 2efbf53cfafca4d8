import { randomBytes } from 'node:crypto';
import { mkdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { KvError } from '../../ports/error.js';
import type { GitStoreCapabilities, HistoryQuery, NewObject, Quarantine } from '../../ports/git/git-store.js';
import {
  acceptedByGit,
  isQuarantineName,
  noInnerQuarantine,
  notAQuarantine,
  QUARANTINE_PREFIX,
} from '../../ports/git/quarantine-folder.js';
import type { ReadBounds } from '../../ports/git/read-bounds.js';
import type { GitObject, ObjectHeader, Oid, RefName } from '../../ports/vocabulary.js';
import type { Nodegit } from './library/binding.js';
import { libraryFailed } from './library/failure.js';
import { migrate } from './objects/migrate.js';
import { writeObjects } from './objects/writer.js';
import type { Refs } from './refs/refs.js';
import type { Repository } from './repository.js';
import { ObjectView } from './view.js';

/** What a quarantine stands in front of. */
interface Behind {
  readonly nodegit: Nodegit;
  readonly repository: Repository;
  readonly refs: Refs;
  readonly view: ObjectView;
}

/**
 * Opens a quarantine in front of a repository: the one at a path, or a new one. It is a database of its own, with the repository's as
 * its alternate, so that no environment has to tell anybody of it. Throws `INPUT_INVALID` for another path.
 */
export async function openQuarantine(behind: Behind, path: string | null): Promise<Quarantine> {
  const { nodegit, repository } = behind;
  const { objectsFolder, alternates, shallow } = repository;
  const folder = path === null ? await makeQuarantine(objectsFolder) : await checkQuarantine(objectsFolder, path);
  try {
    const odb = await nodegit.Odb.open(folder);
    for (const other of [objectsFolder, ...alternates]) await odb.addDiskAlternate(other);
    const wrapped = await nodegit.Repository.wrapOdb(odb);
    const view = new ObjectView({ nodegit, repository: wrapped, odb, folders: [folder], behind: behind.view });
    return new NodegitQuarantine(view, behind.refs, folder, path === null ? objectsFolder : null, shallow);
  } catch (error) {
    if (path === null) await rm(folder, { recursive: true, force: true });
    throw libraryFailed(`cannot open the quarantine '${folder}'`, error);
  }
}

async function makeQuarantine(objectsFolder: string): Promise<string> {
  const folder = join(objectsFolder, `${QUARANTINE_PREFIX}${randomBytes(6).toString('hex')}`);
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

async function checkQuarantine(objectsFolder: string, path: string): Promise<string> {
  const where = isAbsolute(path) ? await realpath(dirname(path)).catch(() => null) : null; // no such folder: no quarantine
  if (isQuarantineName(basename(path)) && where === (await realpath(objectsFolder))) return path;
  throw notAQuarantine(path);
}

/** Reads see the quarantine's objects in front of the repository's; writes, where it is ours, go to its folder. */
class NodegitQuarantine implements Quarantine {
  readonly objectFormat = 'sha1';
  readonly capabilities: GitStoreCapabilities;
  private closing: Promise<void> | null = null;

  constructor(
    private readonly view: ObjectView,
    private readonly tips: Refs,
    private readonly folder: string,
    /** Where to its objects go; null for one that git's receive-pack owns. */
    private readonly objectsFolder: string | null,
    shallow: boolean,
  ) {
    const can = { objectFormats: ['sha1'] as const, durable: true, pathHistory: true, quarantines: [] };
    this.capabilities = { ...can, ...(shallow ? { shallow } : {}) };
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
    if (this.objectsFolder === null) throw cannot('write objects');
    await writeObjects(this.folder, objects);
  }

  async refs(patterns: readonly string[]): Promise<Map<RefName, Oid>> {
    this.view.checkOpen();
    return this.tips.list(patterns);
  }

  async updateRefs(): Promise<void> {
    this.view.checkOpen();
    throw cannot('move refs');
  }

  isAncestor(ancestor: Oid, descendant: Oid): Promise<boolean> {
    return this.view.isAncestor(ancestor, descendant);
  }

  history(query: HistoryQuery): AsyncIterable<Oid> {
    return this.view.history(query);
  }

  async openQuarantine(): Promise<Quarantine> {
    throw noInnerQuarantine();
  }

  async accept(): Promise<void> {
    if (this.objectsFolder === null) throw acceptedByGit();
    this.view.checkOpen();
    await migrate(this.folder, this.objectsFolder);
    await this.close();
  }

  async close(): Promise<void> {
    this.view.close();
    this.closing ??= this.objectsFolder === null ? Promise.resolve() : rm(this.folder, { recursive: true, force: true });
    await this.closing;
  }
}

function cannot(what: string): KvError {
  return new KvError('NOT_SUPPORTED', `cannot ${what} in the quarantine of a push`, { hint: 'open the repository itself' });
}
