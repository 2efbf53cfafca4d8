import { connectionBounds } from '../../../../domain/gateway/limits/connection-limits.js';
import type { Limits } from '../../../../ports/stargate/limits.js';
import { busy, type Crowd } from './busy.js';
import type { Holder } from './connections.js';

/** A command that is about to run. */
export interface Placed extends Holder {
  readonly pushes: boolean;
}

/**
 * The places of commands at work: of all of them, of those who only read, and of pushes. A key gets another one while it has fewer than
 * are free: alone it may have half of them, and however many keys take what they can, one that has none finds one.
 */
export class Places {
  private readonly taken = new Set<Placed>();

  /** The bounds are asked for whenever they count: a policy may change. */
  constructor(private readonly limits: () => Limits) {}

  /** Takes a place; gives what gives it back. Throws `BUSY`. */
  take(command: Placed): () => void {
    const limits = this.limits();
    this.require(command, limits.sessions, 'all', 'commands', () => true);
    if (command.pushes) this.require(command, limits.pushes, 'all', 'pushes', ({ pushes }) => pushes);
    if (!command.writes) {
      this.require(command, connectionBounds(limits).readerSessions, 'readers', 'commands', ({ writes }) => !writes);
    }
    const place = { ...command }; // each takes its own
    this.taken.add(place);
    return () => void this.taken.delete(place);
  }

  private require({ key }: Placed, limit: number, of: Crowd['of'], what: Crowd['what'], counts: (one: Placed) => boolean): void {
    const taken = [...this.taken].filter(counts);
    const own = taken.filter((one) => one.key === key).length;
    if (own < limit - taken.length) return;
    throw busy(taken.length < limit ? { of: 'key', what, limit: own } : { of, what, limit });
  }
}
