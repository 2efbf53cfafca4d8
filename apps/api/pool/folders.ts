import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, sep } from 'node:path';
import type { Composition } from '../../../plugins/host/index.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import { KvError } from '../../../ports/error.js';
import { ApiError } from '../problems/errors.js';

/** Bare repositories outside the data folder that may be imported and exported: those below the folders that the operator has named. */
export class Folders {
  constructor(
    private readonly composition: Pick<Composition, 'open'>,
    private readonly roots: readonly string[],
  ) {}

  /**
   * Works with one, made with ids of that hash where nothing is there yet. Throws `FORBIDDEN` for a path that lies outside, wherever links
   * lead; `NOT_FOUND`, `INVALID_REQUEST`.
   */
  async use<T>(path: string, create: ObjectFormat | undefined, work: (store: GitStore) => Promise<T>): Promise<T> {
    const directory = await this.allowed(path);
    const place = { directory, ...(create === undefined ? {} : { create }) };
    const store = await this.opened(place);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  private async opened(place: { readonly directory: string; readonly create?: ObjectFormat }): Promise<GitStore> {
    try {
      return await this.composition.open<GitStore>('git-store', 'git-bare', place);
    } catch (error) {
      if (KvError.is(error) && error.code === 'GIT_ERROR')
        throw new ApiError(404, 'NOT_FOUND', 'there is no bare repository in this folder');
      throw error;
    }
  }

  private async allowed(path: string): Promise<string> {
    const refused = new ApiError(
      403,
      'FORBIDDEN',
      'the operator has not named a folder that this path lies in (transfer.folders)',
    );
    if (this.roots.length === 0) throw refused;
    if (!isAbsolute(path) || path.includes('\0') || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(basename(path)))
      throw new ApiError(400, 'INVALID_REQUEST', 'name a folder by its whole path');
    // What is there may be a link; what is not there yet lies where its folder really is.
    const real = (await realOf(path)) ?? join((await realOf(dirname(path))) ?? '', basename(path));
    for (const root of this.roots) {
      const top = await realOf(root);
      if (top !== null && real.startsWith(top.endsWith(sep) ? top : top + sep)) return real;
    }
    throw refused;
  }
}

async function realOf(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch {
    return null; // not there, or not to be seen: which of these, nobody is told
  }
}
