import type { BundleArchive } from '../../../ports/git/bundle-archive.js';
import type { GitService } from '../../../ports/git/git-service.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { NewRepository, RepositoryHost } from '../../../ports/git/repository-host.js';
import type { RepositoryUpkeep } from '../../../ports/git/repository-upkeep.js';
import type { ObjectFormat, Oid, RefName } from '../../../ports/vocabulary.js';
import { commit, files } from '../git-objects.js';

/** The ports of one repository that is not there yet, and what a test does to it behind their back. */
export interface HostBench {
  readonly host: RepositoryHost;
  readonly upkeep: RepositoryUpkeep;
  readonly bundles: BundleArchive;
  readonly services: GitService;
  /** Opens a store on the repository, which is there by now. The suite closes it. */
  openStore(): Promise<GitStore>;
  /** Makes an empty repository elsewhere; a store on it, which the suite closes, and the address at which it is a mirror. */
  mirror(format: ObjectFormat): Promise<{ readonly url: string; readonly store: GitStore }>;
  /** Another repository that is not there yet. */
  beside(): Promise<RepositoryHost>;
  /** A path for a file that is not there yet, outside of the repositories. */
  file(name: string): string;
  /** Leaves the lock of a killed process beside a ref; gives its name. */
  leaveLock(ref: RefName): Promise<string>;
  /** Leaves the quarantine of a cut-off push, with a pack that is still held; gives its path, and whether the pack is still held. */
  leaveQuarantine(): Promise<{ readonly path: string; held(): Promise<boolean> }>;
  /** Puts a hook in place of ours: of an earlier version, somebody else's, or one that git passes over. */
  spoilHook(how: 'earlier' | 'foreign' | 'passed-over'): Promise<void>;
  /** Takes a setting away that pushes can't do without. */
  spoilSettings(): Promise<void>;
  /** Cuts a bundle file in the middle. */
  cutBundle(place: string): Promise<void>;
  /** A file that is committed in a work tree of its own, by whom and as what, and a change of it that isn't committed. */
  committedFile(): Promise<{ readonly path: string; readonly author: string; readonly oid: Oid; change(): Promise<void> }>;
  /** Lets an object be as old as one that nobody is about to use. */
  age(oid: Oid): Promise<void>;
  dispose(): Promise<void>;
}

/** What the mirror's remote is called. */
export const MIRROR = 'mirror';

/** What `create` is asked for when nothing else matters. */
export function plain(objectFormat: ObjectFormat = 'sha1', url = '/nowhere'): NewRepository {
  return { objectFormat, mirror: { remote: MIRROR, url, push: ['+refs/kv/*:refs/kv/*'] } };
}

/** Writes a commit of one file and points a ref to it, from where that is; gives the commit's id. */
export async function point(store: GitStore, ref: RefName, content: string): Promise<Oid> {
  const { root, objects } = files(store.objectFormat, { file: content });
  const made = commit(store.objectFormat, { tree: root, time: 1_700_000_000 });
  await store.write([...objects, made]);
  const old = (await store.refs([ref])).get(ref) ?? null;
  await store.updateRefs([{ ref, old, next: made.oid }], 'test');
  return made.oid;
}
