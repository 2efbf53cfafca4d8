import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import type { RepositoryForm } from '../../../ports/git/repository-host.js';

/** The name of the manifest in a backup's folder. Written last: a folder without one is no backup. */
export const MANIFEST = 'manifest.json';
/** The name of the bundle in a backup's folder. */
export const BUNDLE = 'repository.bundle';

/** A file of a backup. */
interface KeptFile {
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** What a backup says of itself. */
export interface Manifest extends Omit<RepositoryForm, 'objectFormat' | 'settings'> {
  readonly 'git-kv': 'backup';
  readonly v: 1;
  /** When its refs were read, ISO 8601 UTC. */
  readonly taken: string;
  /** The program's. */
  readonly version: string;
  /** The path of the repository it was taken of. */
  readonly repository: string;
  readonly object_format: RepositoryForm['objectFormat'];
  readonly refs: Readonly<Record<string, string>>;
  /** Whether the private host keys are in it. */
  readonly host_keys: boolean;
  /** Every file but the manifest, by its path in the folder. */
  readonly files: Readonly<Record<string, KeptFile>>;
}

/** The size and the digest of a file. */
export async function fileFacts(path: string): Promise<KeptFile> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return { size: (await stat(path)).size, sha256: hash.digest('hex') };
}

/**
 * Reads the manifest of a backup and holds every file against it. Throws `CONFIG_INVALID` for a folder that is no backup, or in which
 * something was lost or changed, `FORMAT_UNSUPPORTED` for a later version's.
 */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const missing = cause.code === 'ENOENT' || cause.code === 'ENOTDIR';
    throw new KvError(
      'CONFIG_INVALID',
      missing ? `there is no backup in ${folder}: no ${MANIFEST}` : `cannot read the ${MANIFEST} of ${folder}: ${cause.code}`,
      { cause, hint: missing ? 'name a folder that git-kv-stargate backup has made' : 'run as the owner of the backup' },
    );
  });
  const manifest = parse(text, folder);
  for (const [name, kept] of Object.entries(manifest.files)) {
    const found = await fileFacts(inside(folder, name)).catch((cause: NodeJS.ErrnoException) => {
      throw damaged(folder, name, `cannot be read: ${cause.code}`);
    });
    if (found.size !== kept.size || found.sha256 !== kept.sha256) throw damaged(folder, name, 'is not as it was written');
  }
  return manifest;
}

function parse(text: string, folder: string): Manifest {
  let found: Partial<Manifest> | null;
  try {
    found = JSON.parse(text) as Partial<Manifest> | null;
  } catch {
    found = null; // no JSON is no manifest either
  }
  if (found?.['git-kv'] !== 'backup') throw new KvError('CONFIG_INVALID', `${join(folder, MANIFEST)} is no manifest of a backup`);
  if (found.v !== 1) {
    throw new KvError('FORMAT_UNSUPPORTED', `${folder} is a backup of version ${String(found.v)}`, {
      hint: 'restore it with the git-kv that wrote it, or a later one',
    });
  }
  const { object_format: format, files, refs } = found;
  if ((format !== 'sha1' && format !== 'sha256') || typeof files !== 'object' || typeof refs !== 'object') {
    throw new KvError('CONFIG_INVALID', `${join(folder, MANIFEST)} is incomplete`);
  }
  return found as Manifest; // what restoring reads has just been looked at
}

/** A file of the backup's own folder, and no other. */
function inside(folder: string, name: string): string {
  if (/^[A-Za-z0-9_@][A-Za-z0-9._@-]*(\/[A-Za-z0-9_@][A-Za-z0-9._@-]*)*$/.test(name)) return join(folder, name);
  throw damaged(folder, JSON.stringify(name), 'is no name of a file');
}

function damaged(folder: string, name: string, what: string): KvError {
  return new KvError('CONFIG_INVALID', `${folder}: ${name} ${what}`, { hint: 'take another backup: this one is damaged' });
}
