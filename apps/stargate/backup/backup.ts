import { chmod, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { stillRefs } from '../../../domain/gateway/sync/still-refs.js';
import { openProfile, type Profile } from '../../../plugins/host/index.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import { homeOfKeys, keyFile, keyFolder } from '../host-key/key-files.js';
import { ownEnv } from '../process/environment.js';
import { productVersion } from '../version.js';
import { JOURNAL, type JournalKept, keepJournal } from './journal.js';
import { BUNDLE, fileFacts, type Manifest, MANIFEST } from './manifest.js';
import { makeWhole } from './whole-folder.js';
import { SERVERS } from '../repository/founders.js';
import { OWN_ID } from '../repository/own-id.js';
import { SEQUENCER_KEY } from '../intents/sequencer-key.js';
import { syncPath } from '../../sync-path.js';

/** What is to be backed up, and where to. */
export interface BackupRequest {
  readonly repo: string;
  /** A folder that is not there yet. */
  readonly to: string;
  /** The policy's file; null: the repository's own. */
  readonly policyPath: string | null;
  /** Also the private host keys: the repository's own, or those of the root that it stands below. */
  readonly hostKeys: boolean;
  /** What the Stargate is served with, as far as it was named: its journal may lie elsewhere. */
  readonly profile: Profile | null;
}

/** A backup that was taken, and what it has of the journal. */
export interface Backup {
  readonly manifest: Manifest;
  readonly journal: JournalKept;
}

/** The name of the sequencer's private key in a backup: without it, what a restored Stargate signs is signed by another key. */
export const KEPT_SEQUENCER_KEY = 'sequencer-key';
/** Where the adapter of a carried mirror keeps how far its chain of links is, and its name in a backup: without it, a new chain begins. */
export const CARRIED = { place: join('.stargate', 'mirror-bundle', 'record.json'), name: 'mirror-bundle.json' } as const;
/** Under which name each file of a Stargate stands in a backup: what is not there was never needed. */
const STATE: readonly (readonly [place: string, name: string])[] = [
  [join('.stargate', 'init.json'), 'init.json'],
  [join('.stargate', 'leader.term'), 'leader.term'],
  [OWN_ID, 'repository-id'],
  [SERVERS, 'servers'],
  [SEQUENCER_KEY, KEPT_SEQUENCER_KEY],
  [CARRIED.place, CARRIED.name],
];
/** Where the bundles of compacted epochs lie. */
export const ARCHIVES = join('.stargate', 'archives');
/** What belongs to the host keys in the Stargate's folder. */
export const HOST_KEY = /^(?:ssh_host_[a-z0-9]+_key(?:\.next)?(?:\.pub)?|host-key-rotation\.json)$/;
/** The settings of the repository, which may hold credentials of the mirror. */
export const SETTINGS = 'settings.gitconfig';

/**
 * Takes a backup of a Stargate's repository, which may be serving meanwhile: the refs are those of one moment, and the journal is
 * read after them, so that it knows of each of their moves. Whole or not at all, but for a journal that can't be had.
 * Throws `CONFIG_INVALID` for a folder that is no Stargate's, one that is there already, or host keys that are not there; `IO_ERROR`; `GIT_ERROR`.
 */
export async function takeBackup({ repo, to, policyPath, hostKeys, profile }: BackupRequest): Promise<Backup> {
  const gitDir = resolve(repo);
  const composition = await openProfile('embedded', { directory: gitDir, env: ownEnv() });
  let backup: Backup | undefined;
  try {
    const host = await composition.get<RepositoryHost>('repository-host');
    await host.check();
    const store = await composition.get<GitStore>('git-store');
    await makeWhole(to, async (draft) => {
      await mkdir(draft, { mode: 0o700 });
      const keys = hostKeys ? await hostKeyFiles(gitDir) : null;
      const refs = await stillRefs(store);
      const taken = new Date().toISOString();
      const form = await host.export(join(draft, BUNDLE), refs);
      const names = refs.size > 0 ? [BUNDLE] : [];
      await writeFile(join(draft, SETTINGS), form.settings, { mode: 0o600 });
      names.push(SETTINGS);
      const journal = await keepJournal(gitDir, draft, profile);
      if (journal.kind === 'replayed') names.push(JOURNAL.name);
      names.push(...(await copyState(gitDir, draft, { policyPath, keys, journal: journal.kind === 'file' })));
      const manifest: Manifest = {
        ...{ 'git-kv': 'backup', v: 1, taken, version: productVersion(), repository: gitDir },
        ...{ object_format: form.objectFormat, head: form.head, refs: Object.fromEntries(refs), host_keys: hostKeys },
        files: Object.fromEntries(await Promise.all(names.map(async (name) => [name, await fileFacts(join(draft, name))]))),
      };
      await writeFile(join(draft, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
      for (const name of [...names, MANIFEST]) await syncPath(join(draft, name));
      await syncPath(draft);
      backup = { manifest, journal };
      return true;
    });
  } finally {
    await composition.close();
  }
  await syncPath(dirname(resolve(to)));
  if (backup === undefined) throw new KvError('UNEXPECTED', 'a backup was made without its manifest');
  return backup;
}

/** Copies what the repository is besides Git's own; gives the names. */
async function copyState(
  gitDir: string,
  draft: string,
  {
    policyPath,
    keys,
    journal,
  }: Pick<BackupRequest, 'policyPath'> & { readonly keys: readonly string[] | null; readonly journal: boolean },
): Promise<string[]> {
  const names: string[] = [];
  const copy = async (from: string, name: string, needed = false): Promise<void> => {
    try {
      await copyFile(from, join(draft, name));
    } catch (cause) {
      if (!needed && (cause as NodeJS.ErrnoException).code === 'ENOENT') return; // a Stargate that never had it
      throw new KvError('IO_ERROR', `cannot copy ${from}: ${(cause as Error).message}`, { cause });
    }
    await chmod(join(draft, name), 0o600);
    names.push(name);
  };
  await copy(policyPath ?? join(gitDir, '.kv', 'policy.yaml'), 'policy.yaml', true);
  if (journal) await copy(join(gitDir, JOURNAL.place), JOURNAL.name);
  for (const [place, name] of STATE) await copy(join(gitDir, place), name);
  const archives = await namesIn(join(gitDir, ARCHIVES));
  await mkdir(join(draft, 'archives'));
  for (const name of archives.filter((each) => /^[A-Za-z0-9_@].*\.bundle$/.test(each)))
    await copy(join(gitDir, ARCHIVES, name), join('archives', name));
  if (keys === null) return names;
  await mkdir(join(draft, 'host-keys'));
  for (const file of keys) await copy(file, join('host-keys', basename(file)));
  return names;
}

/** The files of the host keys that clients are shown: of a repository below a root, the root's. Throws `CONFIG_INVALID` without them. */
async function hostKeyFiles(gitDir: string): Promise<string[]> {
  const folder = keyFolder(await homeOfKeys(gitDir));
  const files = (await namesIn(folder)).filter((each) => HOST_KEY.test(each)).map((name) => join(folder, name));
  if (files.includes(keyFile(folder, 'ed25519'))) return files;
  throw new KvError('CONFIG_INVALID', `there is no SSH host key in ${folder}`, {
    hint: 'put it back first; or leave --with-host-key out: the backup is taken without it',
  });
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []; // nothing was ever put there
    throw new KvError('IO_ERROR', `cannot read ${folder}: ${error.code}`, { cause: error });
  });
}
