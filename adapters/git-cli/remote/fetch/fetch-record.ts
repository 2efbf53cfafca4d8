import type { FetchRecord } from '../../../../ports/git/fetch-record.js';
import type { Direction } from '../../../../ports/git/git-remote.js';
import { findRepository } from '../../config/repository.js';
import type { Environment } from '../../process/run-git.js';
import { FetchFile } from './fetch-file.js';

/** Whose fetches are recorded. */
export interface FetchRecordOptions {
  /** The Git directory, or a folder to look for one from. */
  readonly directory: string;
  readonly env: Environment;
}

/** The record of a clone's fetches, shared by all of its work trees. Throws `GIT_ERROR` when there is no repository. */
export async function openFetchRecord({ directory, env }: FetchRecordOptions): Promise<FetchRecord> {
  const { commonDir } = await findRepository(directory, env);
  return new GitFetchRecord(new FetchFile(commonDir));
}

class GitFetchRecord implements FetchRecord {
  constructor(private readonly file: FetchFile) {}

  async lastFetch(remote: string, direction: Direction, key: string): Promise<number | null> {
    return (await this.file.read()).fetched[label(remote, direction, key)] ?? null;
  }

  async markFetched(remote: string, direction: Direction, key: string, at: number): Promise<void> {
    await this.file.update((content) => (content.fetched[label(remote, direction, key)] = at));
  }
}

const label = (remote: string, direction: Direction, key: string): string => `${remote} ${direction} ${key}`;
