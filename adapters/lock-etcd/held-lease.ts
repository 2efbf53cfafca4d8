import { setTimeout as delay } from 'node:timers/promises';
import { KvError, type Lease, toKvError } from '../../ports/index.js';
import { type Etcd, encodeFence } from '../etcd-gateway/index.js';

/** A lease that etcd has granted, with the lock's key put under it. */
export interface Grant {
  readonly key: string;
  /** etcd's id of the lease. */
  readonly id: string;
  /** The key's create revision. */
  readonly term: number;
  /** How long etcd keeps it without a keep-alive, ms. */
  readonly ttlMs: number;
  /** When it was asked for, by the lock's clock. */
  readonly since: number;
}

/** The share of the time to live by which this side lets go earlier than etcd may: for clocks that run at different rates, and late timers. */
const MARGIN = 1 / 5;
/** How often the lease is begun anew within its time to live. */
const BEATS = 4;
/** How soon after a beat that came to nothing the next is tried, as a share of the time to live. */
const RETRY = 1 / 40;
/** How long etcd is asked to forget a lease that is given up; then it does by itself. ms. */
const FAREWELL_MS = 1000;

/**
 * A lease over etcd. It ends, for its holder, `ttlMs` less a margin after the moment at which the last keep-alive that etcd has taken was
 * *sent*: etcd counts from when it came, so nobody else can have it by then. `now` is a clock that nobody sets.
 */
export class HeldLease implements Lease {
  readonly term: number;
  readonly fence: string;
  private readonly loss = new AbortController();
  private readonly ended = new AbortController();
  private endsAt: number;
  private beatTimer: NodeJS.Timeout | undefined;
  private endTimer: NodeJS.Timeout | undefined;
  private released = false;
  private lastFailure = 'no keep-alive was due';

  constructor(
    private readonly etcd: Etcd,
    private readonly grant: Grant,
    private readonly now: () => number,
    /** Told once, when it is lost or given up. */
    private readonly onEnd: () => void,
  ) {
    this.term = grant.term;
    this.fence = encodeFence(grant.key, grant.term);
    this.endsAt = this.endOf(grant.since);
    this.watchEnd();
    this.beatIn(grant.ttlMs / BEATS);
  }

  get lost(): AbortSignal {
    return this.loss.signal;
  }

  /** Asks etcd, as long as the lease lasts: an answer or its end comes first. */
  async held(): Promise<boolean> {
    while (this.lasts()) {
      try {
        if (!(await this.isOurs())) this.lose('the key is not this lease’s any more');
        // The answer may have lain here while this process was stopped.
        return this.lasts();
      } catch (error) {
        this.lastFailure = toKvError(error).message;
        await delay(this.grant.ttlMs * RETRY, undefined, { signal: this.ended.signal, ref: false }).catch(() => undefined); // ended
      }
    }
    return false;
  }

  async release(): Promise<void> {
    this.end();
    if (this.released) return;
    this.released = true;
    // Also what was lost: the next one need not wait then. An etcd that can't be told notices by itself when the time is over.
    await this.etcd.revoke(this.grant.id, { withinMs: FAREWELL_MS }).catch(() => undefined);
  }

  /** True while it is neither given up nor lost; loses it when its time is over, whether or not a timer has said so. */
  private lasts(): boolean {
    if (this.ended.signal.aborted) return false;
    if (this.now() < this.endsAt) return true;
    this.lose(`etcd has not confirmed the lease in time: ${this.lastFailure}`);
    return false;
  }

  private async beat(): Promise<void> {
    if (!this.lasts()) return;
    const sent = this.now();
    try {
      const seconds = await this.etcd.keepAlive(this.grant.id, { withinMs: this.endsAt - sent });
      if (seconds === 0) return this.lose('etcd has ended the lease');
      if (!this.lasts()) return;
      this.endsAt = Math.max(this.endsAt, this.endOf(sent));
      this.watchEnd();
      if (!(await this.isOurs())) return this.lose('the key is not this lease’s any more');
      this.beatIn(this.grant.ttlMs / BEATS);
    } catch (error) {
      this.lastFailure = toKvError(error).message;
      this.beatIn(this.grant.ttlMs * RETRY);
    }
  }

  private async isOurs(): Promise<boolean> {
    const { key, id, term } = this.grant;
    const found = await this.etcd.get(key, { withinMs: this.endsAt - this.now() });
    return found !== null && found.createRevision === term && found.lease === id;
  }

  private endOf(sent: number): number {
    return sent + this.grant.ttlMs * (1 - MARGIN);
  }

  private beatIn(ms: number): void {
    if (this.ended.signal.aborted) return;
    this.beatTimer = setTimeout(() => void this.beat(), ms).unref();
  }

  private watchEnd(): void {
    clearTimeout(this.endTimer);
    if (this.ended.signal.aborted) return;
    this.endTimer = setTimeout(() => this.lasts() && this.watchEnd(), Math.max(0, this.endsAt - this.now())).unref();
  }

  private lose(why: string): void {
    if (!this.end()) return;
    this.loss.abort(new KvError('NOT_LEADER', `the lease of term ${this.term} is lost: ${why}`, { hint: 'look at etcd' }));
  }

  /** False when it had ended already. */
  private end(): boolean {
    if (this.ended.signal.aborted) return false;
    clearTimeout(this.beatTimer);
    clearTimeout(this.endTimer);
    this.ended.abort();
    this.onEnd();
    return true;
  }
}
