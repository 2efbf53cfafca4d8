import { KvError } from '../../ports/error.js';

/** What all repositories of this process hold together, bytes. */
const process = { held: 0 };

/** How many bytes a repository may hold, and all repositories of the process together. */
export interface MemoryLimits {
  readonly repository: number;
  readonly process: number;
}

/** No limits. */
const UNLIMITED: MemoryLimits = { repository: Infinity, process: Infinity };

/** Bytes that all repositories in memory of this process hold. */
export const heldByProcess = (): number => process.held;

/** Counts what one repository holds. Nothing is put anywhere before it was counted here. */
export class Allowance {
  private held = 0;

  constructor(readonly limits: MemoryLimits = UNLIMITED) {}

  /** Bytes that the repository holds. */
  get used(): number {
    return this.held;
  }

  /** Whether `take` would let so many bytes pass. */
  hasRoom(bytes: number): boolean {
    const { limits } = this;
    return this.held + bytes <= limits.repository && process.held + bytes <= limits.process;
  }

  /** Throws `STORAGE_FULL` where so many bytes more are more than a limit, and counts none then. */
  take(bytes: number): void {
    const { limits } = this;
    if (this.held + bytes > limits.repository) throw full('this repository', this.held, bytes, limits.repository, 'repository');
    if (process.held + bytes > limits.process)
      throw full('all repositories together', process.held, bytes, limits.process, 'process');
    this.held += bytes;
    process.held += bytes;
  }

  give(bytes: number): void {
    this.held -= bytes;
    process.held -= bytes;
  }

  /** Gives back all that the repository holds. */
  close(): void {
    this.give(this.held);
  }
}

function full(whose: string, used: number, wanted: number, limit: number, of: 'repository' | 'process'): KvError {
  return new KvError(
    'STORAGE_FULL',
    `no room in memory: ${whose} may hold ${limit} bytes, holds ${used}, and ${wanted} more were wanted`,
    {
      hint: 'delete branches, tags or repositories that nobody needs, or raise the limit',
      details: { of, limit, used, wanted },
    },
  );
}
