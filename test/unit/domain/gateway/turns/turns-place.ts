import { Turns } from '../../../../../domain/gateway/turns/turns.js';
import type { Clock } from '../../../../../ports/clock.js';
import { KvError } from '../../../../../ports/error.js';
import { SeededRandomness } from '../../../../support/memory/memory.js';

/** A clock that a test moves; sleepers wake when their time has come. */
class MovedClock implements Clock {
  private at = 1_700_000_000_000;
  private readonly sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();

  now = (): number => this.at;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { until: this.at + ms, wake: resolve };
      this.sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.sleepers.delete(sleeper);
        reject(new KvError('INTERRUPTED', 'woken'));
      });
    });
  }

  async pass(ms: number): Promise<void> {
    this.at += ms;
    for (const sleeper of [...this.sleepers]) {
      if (sleeper.until > this.at) continue;
      this.sleepers.delete(sleeper);
      sleeper.wake();
    }
    await settled();
  }
}

/** After what is due now has run. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lines in which people stand by name, what was observed of them, and who has had a turn, in this order. */
export function place(limits: Partial<{ turnTime: number; turnPush: number; turnsWaiting: number }> = {}, mostOfOne = 512) {
  const clock = new MovedClock();
  const had: string[] = [];
  const seen = { waiting: 0, unused: 0, waits: [] as number[] };
  const turns = new Turns({
    ...{ clock, randomness: new SeededRandomness(7) },
    mostOfOne: () => mostOfOne,
    limits: () => ({ turnTime: 10_000, turnPush: 30_000, turnsWaiting: 512, ...limits }),
    observer: {
      waiting: (count) => (seen.waiting = count),
      granted: (_ns, ms) => seen.waits.push(ms),
      unused: () => seen.unused++,
    },
  });
  const ask = (who: string, ns = 'main') => {
    const hangUp = new AbortController();
    const turn = turns.take(ns, who, hangUp.signal).then((got) => {
      had.push(who);
      return got;
    });
    turn.catch(() => undefined);
    return { turn, hangUp: () => hangUp.abort() };
  };
  return { clock, had, seen, turns, ask };
}
