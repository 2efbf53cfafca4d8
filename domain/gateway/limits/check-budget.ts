import { KvError } from '../../../ports/error.js';
import type { CheckLimits } from './check-limits.js';
import { Mutex } from '../mutex.js';

type Memory = Pick<CheckLimits, 'each' | 'large'>;

/**
 * The memory in which all pushes together are checked. Each has a little to itself, which is enough for nearly all of them; those
 * that need more take turns, first come first served, so that no number of large pushes keeps a small one waiting.
 */
export class CheckBudget {
  private readonly turns = new Mutex();

  /** A push's part under the limits in force; to be ended with the check. */
  begin(memory: Memory): CheckShare {
    return new CheckShare(memory, () => this.turns.acquire());
  }
}

/** What one push takes of it. */
export class CheckShare {
  private readonly held = new Map<string, number>();
  private total = 0;
  private turn: Promise<void> | null = null;
  private release: (() => void) | null = null;
  private ended = false;

  constructor(
    private readonly memory: Memory,
    private readonly acquire: () => Promise<() => void>,
  ) {}

  /**
   * Says how many bytes `what` takes from now on, in place of what it took before; resolves when they are there, at once (undefined)
   * while they are few. Throws `POLICY_VIOLATION` when one push can't have so many.
   */
  charge(what: string, bytes: number): Promise<void> | undefined {
    this.total += bytes - (this.held.get(what) ?? 0);
    this.held.set(what, bytes);
    const { each, large } = this.memory;
    if (this.total <= each) return undefined;
    if (this.total > each + large) throw tooMuch(this.total, each + large);
    if (this.release !== null) return undefined;
    this.turn ??= this.wait();
    return this.turn;
  }

  /** Gives all of it back. Idempotent. */
  end(): void {
    this.ended = true;
    this.release?.();
  }

  private async wait(): Promise<void> {
    this.release = await this.acquire();
    if (this.ended) this.release();
  }
}

/** `POLICY_VIOLATION` for a push that takes more memory to check than one may. */
export function tooMuch(bytes: number, most: number): KvError {
  return new KvError(
    'POLICY_VIOLATION',
    `what the push changes takes ${bytes} bytes to check, more than the ${most} of one push`,
    {
      hint: 'write through a client of git-kv, and less at a time',
      advice: { id: 'write-less' },
    },
  );
}
