import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openProfile } from '../../../../plugins/host/index.js';
import { KvError } from '../../../../ports/error.js';
import { diskErrorCode } from '../../../../ports/grammar/git-words/out-of-space.js';
import type { RepositoryName } from '../../../../ports/grammar/repository-name.js';
import type { RepositoryHost } from '../../../../ports/git/repository-host.js';
import type { ObjectFormat } from '../../../../ports/vocabulary.js';
import { formatServers, JOINING, SERVERS } from '../../repository/founders.js';
import { ownEnv } from '../../process/environment.js';
import { writeKept } from '../../repository/kept-file.js';
import { OWN_ID } from '../../repository/own-id.js';
import { sayProfile } from '../../repository/say-profile.js';
import { syncPath } from '../../../sync-path.js';
import { rest } from '../at-rest.js';
import type { Catalogue } from './catalogue.js';

/** What a repository without a mirror is made of: the same on every server that makes it. */
export interface NewRoot {
  readonly policy: string;
  readonly objectFormat: ObjectFormat;
  readonly repositoryId: string;
  /** The servers that have its history together; absent: it is served alone. */
  readonly servers?: readonly string[] | undefined;
  /** Others have its history, which begins there. */
  readonly learned?: boolean | undefined;
}

/** Where repositories are made before they are moved to their places. */
export const draftsOf = (root: string): string => join(root, '.stargate', 'drafts');

/** A draft of this age is what a crash has left. Milliseconds. */
const STALE_MS = 3_600_000;

/**
 * Makes a repository without a mirror, whole or not at all, and durable when it resolves. Throws `CAS_CONFLICT` when something is at its
 * place, `STORAGE_FULL`, `IO_ERROR`.
 */
export async function makeRepository(catalogue: Catalogue, name: RepositoryName, made: NewRoot): Promise<string> {
  const folder = catalogue.folder(name);
  const drafts = draftsOf(catalogue.root);
  const draft = join(drafts, `${randomBytes(8).toString('hex')}.git`);
  try {
    await mkdir(drafts, { recursive: true, mode: 0o700 });
    const composition = await openProfile('unmirrored', { directory: draft, env: ownEnv() });
    try {
      const host = await composition.get<RepositoryHost>('repository-host');
      await host.create({ objectFormat: made.objectFormat, mirror: null });
    } finally {
      await composition.close();
    }
    await sayProfile(draft, 'unmirrored');
    await mkdir(join(draft, '.kv'), { mode: 0o755 });
    await writeFile(join(draft, '.kv', 'policy.yaml'), made.policy, { mode: 0o644 });
    await writeKept(join(draft, OWN_ID), `${made.repositoryId}\n`);
    if (made.servers !== undefined) await writeKept(join(draft, SERVERS), formatServers(made.servers));
    if (made.learned === true) await writeKept(join(draft, JOINING), '');
    await rest(draft);
    for (const path of ['.kv/policy.yaml', '.kv', '.stargate', 'config', '']) await syncPath(join(draft, path));
    await moveToItsPlace(draft, folder);
    return folder;
  } catch (cause) {
    if (KvError.is(cause)) throw cause;
    throw new KvError(diskErrorCode(cause), `cannot make ${folder}: ${(cause as Error).message}`, { cause });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Takes a repository that stands somewhere else below the root to where it is served. Throws `CAS_CONFLICT` when something is there. */
export async function moveToItsPlace(draft: string, folder: string): Promise<void> {
  const owner = dirname(folder);
  await mkdir(owner, { recursive: true });
  try {
    await rename(draft, folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException; // what `rename` throws
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') throw cause;
    throw new KvError('CAS_CONFLICT', `${folder} is there already`, { cause, hint: 'choose another name' });
  }
  await syncPath(owner);
  await syncPath(dirname(owner));
}

/** Removes what crashes have left of repositories that were being made. */
export async function sweepDrafts(root: string): Promise<void> {
  const drafts = draftsOf(root);
  const names = await readdir(drafts).catch(() => []); // nothing was ever made
  for (const name of names) {
    const draft = join(drafts, name);
    const there = await stat(draft).catch(() => null); // it is at its place by now
    if (there !== null && Date.now() - there.mtimeMs > STALE_MS) await rm(draft, { recursive: true, force: true });
  }
}
