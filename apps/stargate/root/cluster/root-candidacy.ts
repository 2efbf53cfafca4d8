import type { LeaderLock, Lease } from '../../../../ports/stargate/leader-lock.js';
import type { Log } from '../../log/log.js';
import { Candidacy, type Candidate, type Candidature, pauseAfterRelease } from '../../cluster/member/candidacy.js';

interface RootCandidacyOptions {
  readonly lock: LeaderLock;
  /** This server's name. */
  readonly name: string;
  /** Whether another server could lead what this one can't. */
  readonly shared: boolean;
  /** Told when this server leads the root, or does no more. */
  readonly changed?: (term: number | null) => void;
  readonly log: Log;
  /** Milliseconds between tries. */
  readonly interval?: number;
}

interface Entered {
  readonly candidate: Candidate;
  leads: boolean;
  /** Not to be offered the lead before. */
  patience: number;
}

const INTERVAL_MS = 300;
/** How seldom the lock is left to others since this server can't lead all, and for how long; ms. */
const YIELD_EVERY_MS = 60_000;
const YIELD_FOR_MS = 10_000;

/**
 * One lock for all repositories of a root: whoever holds it leads each of them, from when it is open. So a thousand repositories take one lease,
 * and one that is opened for a write need not wait for a lock.
 *
 * A repository may be closed and opened again under the same lock. Its term is then the same, and its attempts are counted on, since no two
 * entries may have one number in a term.
 */
export class RootCandidacy {
  private readonly entered = new Map<string, Entered>();
  /** How many entries each repository has proposed under the lock that is held. */
  private readonly attempts = new Map<string, number>();
  /** When the lock was left to others, as this server can't lead every repository. */
  private yielded = Number.NEGATIVE_INFINITY;
  private readonly one: Candidacy;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly options: RootCandidacyOptions) {
    const { lock, name, log, interval = INTERVAL_MS } = options;
    this.one = new Candidacy({
      ...{ lock, name, log, interval },
      mayLead: () => performance.now() - this.yielded > YIELD_FOR_MS,
      won: (term) => this.won(term),
      lost: () => this.lost(),
    });
    this.timer = setInterval(() => this.offer(), interval);
    this.timer.unref();
  }

  /** The term under which this server leads the root; null while it doesn't. */
  get term(): number | null {
    return this.one.lease?.term ?? null;
  }

  /** Whether this server leads a repository that has entered, or is about to. */
  isTo(repository: string): boolean {
    const there = this.entered.get(repository);
    return this.term !== null && there !== undefined && (there.leads || there.candidate.mayLead());
  }

  /** Enters a repository, under the name of its history, for as long as it is open. */
  enter(repository: string, candidate: Candidate): Candidature {
    const there: Entered = { candidate, leads: false, patience: 0 };
    this.entered.set(repository, there);
    setImmediate(() => this.offer()); // not before whoever enters has what it is given here
    const root = this;
    return {
      get lease(): Lease | null {
        return there.leads ? root.one.lease : null;
      },
      acquire: () => root.one.acquire(),
      release(cutOff) {
        root.pause(repository, there);
        if (cutOff === true) root.yieldTo(repository, 'a majority of the servers is not heard');
      },
      async close() {
        root.note(repository, there);
        there.leads = false;
        if (root.entered.get(repository) === there) root.entered.delete(repository);
      },
    };
  }

  /** Tries for the lock now, and often for a moment: whoever holds it is about to give it up. */
  acquire(): void {
    this.one.acquire();
  }

  /** Leads nothing any more, and leaves the lock to others for a moment. */
  release(): void {
    if (this.term === null) return;
    this.end();
    this.one.release();
    this.options.changed?.(null);
  }

  /** Gives the lock up. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    this.end();
    await this.one.close();
  }

  private won(term: number): void {
    this.attempts.clear();
    this.options.changed?.(term);
    this.offer();
  }

  private lost(): void {
    this.end();
    this.options.changed?.(null);
  }

  private end(): void {
    for (const there of this.entered.values()) {
      if (!there.leads) continue;
      there.leads = false;
      there.candidate.lost();
    }
  }

  /** Has each repository that isn't led take the lead. */
  private offer(): void {
    const { term } = this;
    if (term === null) return;
    for (const [repository, there] of this.entered) {
      if (there.leads || performance.now() < there.patience) continue;
      if (!there.candidate.mayLead()) {
        if (this.yieldTo(repository, 'this server can lead all but this repository')) return;
        continue;
      }
      const before = this.attempts.get(repository);
      this.attempts.set(repository, before ?? 0);
      there.leads = true;
      there.candidate.won(term, before === undefined ? undefined : Math.max(before, there.candidate.attempts(term)));
    }
  }

  /** Leaves the lock to others; false where nobody could take it, and where that was done a while ago. */
  private yieldTo(history: string, message: string): boolean {
    if (!this.options.shared || performance.now() - this.yielded < YIELD_EVERY_MS) return false;
    this.yielded = performance.now();
    this.options.log.warn('cluster.yielded', { history, message });
    this.release();
    return true;
  }

  private pause(repository: string, there: Entered): void {
    this.note(repository, there);
    there.leads = false;
    there.patience = performance.now() + pauseAfterRelease();
  }

  private note(repository: string, there: Entered): void {
    const { term } = this;
    const before = this.attempts.get(repository);
    if (term !== null && before !== undefined) this.attempts.set(repository, Math.max(before, there.candidate.attempts(term)));
  }
}
