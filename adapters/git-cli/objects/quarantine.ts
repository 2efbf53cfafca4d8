import { randomBytes } from 'node:crypto';
import { mkdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import type { GitStore, GitStoreCapabilities, HistoryQuery, NewObject, Quarantine } from '../../../ports/git/git-store.js';
import {
  acceptedByGit,
  isQuarantineName,
  noInnerQuarantine,
  notAQuarantine,
  QUARANTINE_PREFIX,
} from '../../../ports/git/quarantine-folder.js';
import { listedPath } from '../../../ports/grammar/path-list.js';
import type { ReadBounds } from '../../../ports/git/read-bounds.js';
import type { GitObject, ObjectFormat, ObjectHeader, Oid, RefName } from '../../../ports/vocabulary.js';
import type { Repository } from '../config/repository.js';
import type { Environment, GitPlace } from '../process/run-git.js';
import { migrate } from './migrate.js';
import { writeObjects } from './object-writer.js';

/** What a quarantine needs of the store that it stands in front of. */
interface Behind {
  /** A store that reads the repository from this place, and refuses to change anything. */
  readonly readThrough: (place: GitPlace) => GitStore;
  /** Told when objects have come into the repository. */
  readonly accepted: () => void;
}

/** Opens a quarantine in front of a repository: the one at a path, or a new one. Throws `INPUT_INVALID` for another path. */
export async function openQuarantine(repository: Repository, path: string | null, behind: Behind): Promise<Quarantine> {
  const { objectsFolder, place } = repository;
  const folder = path === null ? await makeQuarantine(objectsFolder) : await checkQuarantine(objectsFolder, path);
  const reader = behind.readThrough({ cwd: place.cwd, env: { ...place.env, ...quarantineEnvironment(folder) } });
  return new GitQuarantine(reader, folder, path === null ? { objectsFolder, accepted: behind.accepted } : null);
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

/** The environment in which git reads the quarantine and, behind it, the repository. */
function quarantineEnvironment(quarantine: string): Environment {
  return {
    GIT_OBJECT_DIRECTORY: quarantine,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: listedPath(dirname(quarantine)),
    GIT_QUARANTINE_PATH: quarantine,
  };
}

/** Reads go to a store whose git sees the quarantine; writes, where it is ours, to its folder. */
class GitQuarantine implements Quarantine {
  readonly capabilities: GitStoreCapabilities;
  readonly objectFormat: ObjectFormat;
  private closing: Promise<void> | null = null;

  constructor(
    private readonly reader: GitStore,
    private readonly folder: string,
    /** Where to its objects go; null for one that git's receive-pack owns. */
    private readonly own: { readonly objectsFolder: string; readonly accepted: () => void } | null,
  ) {
    this.capabilities = { ...reader.capabilities, quarantines: [] };
    this.objectFormat = reader.objectFormat;
  }

  read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    return this.reader.read(oids, bounds);
  }

  headers(oids: readonly Oid[]): Promise<(ObjectHeader | null)[]> {
    return this.reader.headers(oids);
  }

  readPaths(root: Oid, paths: readonly string[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    return this.reader.readPaths(root, paths, bounds);
  }

  async write(objects: Iterable<NewObject> | AsyncIterable<NewObject>): Promise<void> {
    if (this.own === null || this.closing !== null) return this.reader.write(objects); // which refuses
    await writeObjects(this.folder, this.objectFormat, objects);
  }

  refs(patterns: readonly string[]): Promise<Map<RefName, Oid>> {
    return this.reader.refs(patterns);
  }

  updateRefs(...move: Parameters<GitStore['updateRefs']>): Promise<void> {
    return this.reader.updateRefs(...move); // which refuses
  }

  isAncestor(ancestor: Oid, descendant: Oid): Promise<boolean> {
    return this.reader.isAncestor(ancestor, descendant);
  }

  history(query: HistoryQuery): AsyncIterable<Oid> {
    return this.reader.history(query);
  }

  async openQuarantine(): Promise<Quarantine> {
    throw noInnerQuarantine();
  }

  async accept(): Promise<void> {
    if (this.own === null) throw acceptedByGit();
    if (this.closing !== null) throw new KvError('UNEXPECTED', 'this quarantine is closed', { hint: 'open another' });
    await migrate(this.folder, this.own.objectsFolder);
    this.own.accepted();
    await this.close();
  }

  async close(): Promise<void> {
    this.closing ??= this.reader.close().then(async () => {
      if (this.own !== null) await rm(this.folder, { recursive: true, force: true });
    });
    await this.closing;
  }
}
