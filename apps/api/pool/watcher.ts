import type { Candidate } from '../../../domain/repo/types.js';
import type { LoggedEvent } from './events.js';

/** Whoever goes along with the repositories of a pool. */
export interface RepositoryWatcher {
  /** Before a repository is opened; `folder` is null for one that lives in memory. */
  opening(id: string, folder: string | null): Promise<void>;
  /** What is asked before each commit. */
  beforeCommit(id: string): readonly ((candidate: Candidate) => Promise<void>)[];
  /** Once a ref has moved. Must not throw. */
  moved(id: string, event: LoggedEvent): void;
  /** Before a repository goes, which waits for all that use it. */
  removing(id: string): void;
  /** Once a repository is gone. */
  removed(id: string): Promise<void>;
}
