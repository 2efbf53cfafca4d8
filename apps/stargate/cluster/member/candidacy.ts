import { toKvError } from '../../../../ports/error.js';
import type { LeaderLock, Lease } from '../../../../ports/stargate/leader-lock.js';
import type { Log } from '../../log/log.js';

/** What trying for the lock takes. */
export interface CandidacyOptions {
  readonly lock: LeaderLock;
  /** This server's name for people. */
  readonly name: string;
  /** Whether trying makes sense now. */
  readonly mayLead: () => boolean;
  readonly won: (term: number) => void;
  readonly lost: () => void;
  readonly log: Log;
  /** Milliseconds between tries. */
  readonly interval?: number;
}

/** What a server leads, once it holds the lock. */
export interface Candidate {
  /** Whether trying makes sense now. */
  mayLead(): boolean;
  /** The lock is held. `attempts`: it is the one that was held before, and so many entries were proposed under it. */
  won(term: number, attempts?: number): void;
  lost(): void;
  /** How many entries it has proposed in a term. */
  attempts(term: number): number;
}

/** A candidate's side of the lock. */
export interface Candidature {
  /** The lease that is held, as far as is known. */
  readonly lease: Lease | null;
  /** Tries now, and often for a moment: a leader is about to give the lock up in this server's favour. */
  acquire(): void;
  /** Leads no more, and leaves that to others for a moment. `cutOff`: others may not hear this server, whatever it leads. */
  release(cutOff?: boolean): void;
  /** Ends it. */
  close(): Promise<void>;
}

/** For how long, and how often, a server tries that is told to lead, ms. */
const EAGER_MS = 2000;
const EAGER_EVERY_MS = 20;

/** How long a lock that was given up is left to others, ms: somewhere in between. */
const LEAVE_MS = [300, 1500] as const;

/** Milliseconds for which a lock that was given up is left to others. */
export function pauseAfterRelease(): number {
  const [least, most] = LEAVE_MS;
  return least + Math.random() * (most - least);
}

/** This server's side of the lock: tries for it, notices its loss, gives it up. */
export class Candidacy implements Candidature {
  private held: Lease | null = null;
  private trying: Promise<void> | null = null;
  private patience = 0;
  private complained = '';
  private stopped = false;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly options: CandidacyOptions) {
    this.timer = setInterval(() => void this.tend(), options.interval ?? 300);
  }

  /** The lease that is held, as far as is known. */
  get lease(): Lease | null {
    return this.held;
  }

  /** Tries now, and often for a moment: a leader is about to give the lock up in this server's favour. */
  acquire(): void {
    this.patience = 0;
    const until = performance.now() + EAGER_MS;
    const again = (): void => {
      void this.tend();
      if (!this.stopped && this.held === null && performance.now() < until) setTimeout(again, EAGER_EVERY_MS);
    };
    again();
  }

  /** Gives the lock up, and leaves it to others for a moment. */
  release(): void {
    const { held } = this;
    this.held = null;
    this.patience = performance.now() + pauseAfterRelease();
    if (held === null) return;
    held.lost.removeEventListener('abort', this.onLost);
    held.release().catch((error: unknown) => this.complain(error));
  }

  /** Stops trying, and gives the lock up. */
  async close(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.trying;
    const { held } = this;
    this.held = null;
    held?.lost.removeEventListener('abort', this.onLost);
    await held?.release().catch((error: unknown) => this.complain(error));
  }

  private readonly onLost = (): void => {
    if (this.held === null) return;
    this.held = null;
    this.options.lost();
  };

  private tend(): Promise<void> {
    this.trying ??= this.once()
      .catch((error: unknown) => this.complain(error))
      .finally(() => {
        this.trying = null;
      });
    return this.trying;
  }

  private async once(): Promise<void> {
    const { lock, name, mayLead, won } = this.options;
    if (this.stopped) return;
    if (this.held !== null) {
      const { held } = this;
      if (!(await held.held()) && this.held === held) this.onLost();
      return;
    }
    if (performance.now() < this.patience || !mayLead()) return;
    const lease = await lock.acquire(name);
    this.complained = '';
    if (lease === null) return;
    if (this.stopped) {
      await lease.release();
      return;
    }
    this.held = lease;
    lease.lost.addEventListener('abort', this.onLost, { once: true });
    won(lease.term);
    if (lease.lost.aborted) this.onLost();
  }

  private complain(thrown: unknown): void {
    const { code, message } = toKvError(thrown);
    if (message !== this.complained) this.options.log.warn('cluster.lock', { code, message });
    this.complained = message;
  }
}
