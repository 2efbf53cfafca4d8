import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { KV_FAMILIES } from '../../../domain/ledger/refs.js';
import { openProfile } from '../../../plugins/host/index.js';
import { KvError } from '../../../ports/error.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import type { HostKey } from '../host-key/key-files.js';
import { makeHostKeys } from '../host-key/make-keys.js';
import { ownEnv } from '../process/environment.js';

interface JoinRequest {
  readonly repo: string;
  /** Null: the profile's mirror is none that git pushes to. */
  readonly mirrorUrl: string | null;
  readonly hash: ObjectFormat;
  readonly hostKeys?: string | undefined;
}

const MIRROR_REMOTE = 'github-origin';

/**
 * Makes an empty repository for a server that is to join a cluster, whole or not at all: what it holds, and the policy, the other servers
 * bring. Throws `CONFIG_INVALID` for a folder that is taken.
 */
export async function initJoining({
  repo,
  mirrorUrl,
  hash,
  hostKeys,
}: JoinRequest): Promise<{ gitDir: string; keys: readonly HostKey[] }> {
  const gitDir = resolve(repo);
  if (/[\n\r]/.test(gitDir)) throw new KvError('CONFIG_INVALID', 'a repository path must not contain a line break');
  const taken = await readdir(gitDir).catch(() => []); // not there, or no folder: making it tells
  if (taken.length > 0)
    throw new KvError('CONFIG_INVALID', `${gitDir} is there already`, { hint: 'name a folder that does not exist' });
  const draft = join(dirname(gitDir), `.${basename(gitDir)}.init-${randomBytes(6).toString('hex')}`);
  await mkdir(dirname(gitDir), { recursive: true });
  const composition = await openProfile('embedded', { directory: draft, env: ownEnv() });
  try {
    const host = await composition.get<RepositoryHost>('repository-host');
    await host.checkPrograms();
    const push = KV_FAMILIES.map((kind) => `+refs/${kind}/*:refs/${kind}/*`);
    await host.create({
      objectFormat: hash,
      mirror: mirrorUrl === null ? null : { remote: MIRROR_REMOTE, url: mirrorUrl, push },
    });
    await mkdir(join(draft, '.kv'), { mode: 0o755 });
    const keys = await makeHostKeys(draft, hostKeys === undefined ? undefined : resolve(hostKeys));
    await rename(draft, gitDir);
    return { gitDir, keys };
  } finally {
    await composition.close();
    await rm(draft, { recursive: true, force: true });
  }
}
