import type { Clock } from '../../../ports/clock.js';

/** How long it is remembered that somebody has let a turn go by. Milliseconds. */
const REMEMBERED_MS = 60_000;

/** The keys that have held others up of late, and let others go first for a minute. */
export class PassedOver {
  /** When each has, the oldest first. */
  private readonly keys = new Map<string, number>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  /** Counts the minute from now. */
  add(who: string): void {
    this.keys.delete(who);
    this.keys.set(who, this.clock.now());
  }

  /** Whether a key's minute is not over yet. */
  has(who: string): boolean {
    const since = this.clock.now() - REMEMBERED_MS;
    for (const [key, at] of this.keys) if (at < since) this.keys.delete(key);
    return this.keys.has(who);
  }
}
