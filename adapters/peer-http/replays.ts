import { KvError } from '../../ports/index.js';
import { refusal } from './refusal.js';

/** More than any cluster says within the clocks' tolerance: what is beyond it waits. */
const MOST = 500_000;

/**
 * The nonces that were seen of late. A request is refused once its time is further from now than the clocks' tolerance, so that a nonce
 * need not be known for longer than twice that.
 */
export class Replays {
  private newer = new Set<string>();
  private older = new Set<string>();
  private turned: number;

  constructor(
    private readonly toleranceMs: number,
    private readonly now: () => number,
  ) {
    this.turned = now();
  }

  /** Takes a proved request in. Throws `PEER_REFUSED` for another time than now, and for one that has come before. */
  admit(from: string, time: number, nonce: string): void {
    const now = this.now();
    const apart = time - now;
    if (Math.abs(apart) > this.toleranceMs)
      throw refusal(
        'clock',
        `the clock of server ${from} is ${(Math.abs(apart) / 1000).toFixed(1)} s ${apart > 0 ? 'ahead of' : 'behind'} this one's, more than the ${this.toleranceMs / 1000} s that are tolerated`,
        'set both clocks, by NTP',
      );
    if (Math.abs(now - this.turned) > 2 * this.toleranceMs) {
      this.older = this.newer;
      this.newer = new Set();
      this.turned = now;
    }
    const name = `${from} ${nonce}`;
    if (this.newer.has(name) || this.older.has(name))
      throw refusal('replayed', `a request of server ${from} has come twice: somebody repeats what was said before`);
    if (this.newer.size >= MOST) throw new KvError('BUSY', 'too many requests of peers at a time', { hint: 'try again later' });
    this.newer.add(name);
  }
}
