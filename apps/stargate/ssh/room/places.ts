import { connectionBounds } from '../../../../domain/gateway/limits/connection-limits.js';
import type { Limits } from '../../../../ports/stargate/limits.js';
import { busy, type Crowd } from './busy.js';
import type { Holder } from './connections.js';

/** A command that is about to run. */
export interface Placed extends Holder {
  readonly pushes: boolean;
}

/** A place that a command has. */
export interface CommandPlace {
  /** Gives it back. */
  leave(): void;
  /**
   * Nothing is done in it, so that whoever needs one may have it: `ended` is called then, and the place is given back. Null: it is at work
   * again.
   */
  idle(ended: (() => void) | null): void;
}

interface Taken extends Placed {
  idleSince: number;
  ended: (() => void) | null;
}

/** Whoever has just come is about to say something: ended for the next one, each would end another's and come again. ms. */
const LEAST_IDLE_MS = 5000;

/**
 * The places of commands at work: of all of them, of those who only read, and of pushes. A key gets another one while it has fewer than
 * are free: alone it may have half of them, and however many keys take what they can, one that has none finds one. A stream of intents on
 * which nothing is under way keeps its place until somebody has a use for it.
 */
export class Places {
  private readonly taken = new Set<Taken>();

  /** The bounds are asked for whenever they count: a policy may change. */
  constructor(
    private readonly limits: () => Limits,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Takes a place; where there is none, one that is idle is ended for it, the key's own first. Throws `BUSY`. */
  take(command: Placed): CommandPlace {
    const limits = this.limits();
    if (command.pushes) this.require(command, limits.pushes, 'all', 'pushes', ({ pushes }) => pushes);
    if (!command.writes) {
      this.require(command, connectionBounds(limits).readerSessions, 'readers', 'commands', ({ writes }) => !writes);
    }
    // Last: nothing is ended for who is refused all the same.
    this.require(command, limits.sessions, 'all', 'commands', () => true);
    const place: Taken = { ...command, idleSince: 0, ended: null }; // each takes its own
    this.taken.add(place);
    return {
      leave: () => void this.taken.delete(place),
      idle: (ended) => Object.assign(place, { ended, idleSince: this.now() }),
    };
  }

  private require({ key }: Placed, limit: number, of: Crowd['of'], what: Crowd['what'], counts: (one: Placed) => boolean): void {
    for (;;) {
      const taken = [...this.taken].filter(counts);
      const own = taken.filter((one) => one.key === key).length;
      if (own < limit - taken.length) return;
      const idle = this.longestIdle(taken, key);
      if (idle === undefined) throw busy(taken.length < limit ? { of: 'key', what, limit: own } : { of, what, limit });
      this.taken.delete(idle);
      idle.ended?.();
    }
  }

  private longestIdle(among: readonly Taken[], key: string): Taken | undefined {
    const since = this.now() - LEAST_IDLE_MS;
    const idle = among.filter(({ ended, idleSince }) => ended !== null && idleSince <= since);
    idle.sort((a, b) => a.idleSince - b.idleSince);
    return idle.find((one) => one.key === key) ?? idle[0];
  }
}
