import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CloneCache } from '../../../ports/clone/clone-cache.js';
import { KvError } from '../../../ports/error.js';
import { replaceFile } from '../process/durable-file.js';
import type { Environment } from '../process/run-git.js';
import { findRepository } from './repository.js';

/** Whose texts are kept. */
export interface CloneCacheOptions {
  /** The Git directory, or a folder to look for one from. */
  readonly directory: string;
  readonly env: Environment;
}

/** Texts that are kept beside the repository, shared by all of its work trees. Throws `GIT_ERROR` when there is no repository. */
export async function openCloneCache({ directory, env }: CloneCacheOptions): Promise<CloneCache> {
  const { commonDir } = await findRepository(directory, env);
  return new FolderCache(join(commonDir, 'kv', 'cache'));
}

class FolderCache implements CloneCache {
  constructor(private readonly folder: string) {}

  async get(name: string): Promise<string | null> {
    const path = this.path(name);
    try {
      return await readFile(path, 'utf8');
    } catch {
      return null; // not there, or not readable: it is worked out again
    }
  }

  async put(name: string, text: string): Promise<void> {
    const path = this.path(name);
    try {
      await replaceFile(path, text);
    } catch {
      // No room, or no permission: the next command works it out again.
    }
  }

  private path(name: string): string {
    if (/^[a-z][a-z0-9-]{0,62}$/.test(name)) return join(this.folder, name);
    throw new KvError('INPUT_INVALID', `'${name}' is no name for a kept text`, { hint: 'use lower-case letters, digits and -' });
  }
}
