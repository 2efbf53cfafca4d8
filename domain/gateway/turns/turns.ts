import type { Clock, Randomness } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { Limits } from '../../../ports/stargate/limits.js';
import { toHex } from '../../git/bytes.js';

/** Told of the lines, for metrics and status. */
export interface TurnsObserver {
  /** How many stand in all lines, whoever's turn it is not counted. */
  waiting(count: number): void;
  /** A turn has come; milliseconds since it was asked for. */
  granted(ns: string, waitedMs: number): void;
  /** A turn of somebody's went by without a push. */
  unused(ns: string, who: string): void;
}

interface TurnsContext {
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Asked whenever they count: a policy may change. */
  readonly limits: () => Pick<Limits, 'turnTime' | 'turnPush' | 'turnsWaiting'>;
  /** How many may stand in lines with one key: each has a connection, and the key is to have room for others. */
  readonly mostOfOne: () => number;
  readonly observer: TurnsObserver;
}

/** The right to push to a namespace before all others, for a while. */
export interface Turn {
  readonly ns: string;
  /** What the push names it by; nobody else knows it. */
  readonly token: string;
  /** Milliseconds until others may go on, unless its push has begun. */
  readonly lasts: number;
  /** How long it was waited for. Milliseconds. */
  readonly waited: number;
  /** Fires when the turn is over: used, given back, or out of time. */
  readonly over: AbortSignal;
  /** Whether its push has begun. */
  readonly used: () => boolean;
}

/** Where a namespace's line stands. */
export interface LineStatus {
  readonly ns: string;
  readonly waiting: number;
  /** How long the first of them has waited, milliseconds. */
  readonly longestMs: number;
}

interface Ticket {
  readonly ns: string;
  readonly who: string;
  readonly token: string;
  readonly since: number;
  readonly grant: () => void;
  readonly over: AbortController;
  timer: AbortController;
  /** When its turn came. */
  granted: number;
  pushing: boolean;
}

/** How long it is remembered that somebody has let a turn go by. Milliseconds. */
const REMEMBERED_MS = 60_000;
/** How long a turn takes as long as none has been used, milliseconds; and how much the newest one counts for the mean. */
const FIRST_GUESS_MS = 250;
const NEWEST_SHARE = 0.2;

interface Line {
  holder: Ticket | null;
  readonly waiting: Set<Ticket>;
}

/**
 * Who may push to a namespace next. Writers that have lost a race stand in line, first come, first served; while one has its turn, all
 * others' pushes to that namespace are refused before they are read. Where nobody stands in line, whoever pushes first is first.
 * Whoever has let a turn go by is passed over for a while by those who have not: nobody holds a line up by asking again and again.
 */
export class Turns {
  /** Only namespaces where somebody waits or has a turn: nobody makes it grow by names. */
  private readonly lines = new Map<string, Line>();
  private waiting = 0;
  /** How many stand in lines, or have the turn, by key. */
  private readonly standing = new Map<string, number>();
  /** Who has let a turn go by, and when, the oldest first. */
  private readonly idle = new Map<string, number>();
  /** How long a turn takes from its grant to the end of its push, the newer ones counting most. Milliseconds. */
  private usualMs = FIRST_GUESS_MS;

  constructor(private readonly context: TurnsContext) {}

  /**
   * Stands in line until the turn comes; `who` is the key that asks. Throws `BUSY` when the line is as long as it may be, or as many of that
   * key stand there as may, with how many these are in `details.standing`, and in `details.turn_ms` how long one of them takes; `INTERRUPTED`
   * when `gone` fires first; fired later, it gives the turn back.
   */
  async take(ns: string, who: string, gone: AbortSignal): Promise<Turn> {
    const { turnsWaiting } = this.context.limits();
    if (this.waiting >= turnsWaiting) {
      throw new KvError('BUSY', `${this.waiting} writers wait for their turn, which is as many as may`, {
        hint: 'try again later',
        details: this.fullOf(this.waiting),
      });
    }
    const own = this.standing.get(who) ?? 0;
    if (own >= this.context.mostOfOne()) {
      throw new KvError('BUSY', `${own} writers with this key wait for their turn, which is as many as may`, {
        hint: 'try again later, or give the writers keys of their own',
        details: this.fullOf(own),
      });
    }
    if (gone.aborted) throw hungUp();
    const ticket = await new Promise<Ticket>((resolve, reject) => {
      const made: Ticket = {
        ns,
        who,
        token: toHex(this.context.randomness.bytes(16)),
        since: this.context.clock.now(),
        grant: () => resolve(made),
        over: new AbortController(),
        timer: new AbortController(),
        granted: 0,
        pushing: false,
      };
      gone.addEventListener(
        'abort',
        () => {
          this.leave(made);
          reject(hungUp());
        },
        { once: true, signal: made.over.signal },
      );
      const line = this.lines.get(ns) ?? { holder: null, waiting: new Set() };
      this.lines.set(ns, line);
      line.waiting.add(made);
      this.stand(who, 1);
      this.count(1);
      this.goOn(ns, line, made.since);
    });
    const { token, over, granted, since } = ticket;
    return {
      ns,
      token,
      lasts: this.context.limits().turnTime,
      waited: granted - since,
      over: over.signal,
      used: () => ticket.pushing,
    };
  }

  /** Throws `CAS_CONFLICT` while somebody else has the turn in one of the namespaces. */
  admit(namespaces: readonly string[], token: string | undefined): void {
    for (const ns of namespaces) {
      const line = this.lines.get(ns);
      if (line === undefined || line.holder === null || line.holder.token === token) continue;
      throw new KvError('CAS_CONFLICT', `another writer has the turn in namespace ${ns}, and ${line.waiting.size} wait`, {
        hint: 'try again in a moment, or ask for a turn',
        details: { ns, turns: line.waiting.size + 1 },
      });
    }
  }

  /** The push of a turn has begun: it has the time for a push now. Gives what ends the turn, when the push has ended. */
  begin(token: string | undefined): () => void {
    const ticket = token === undefined ? undefined : this.holderOf(token);
    if (ticket === undefined) return () => undefined;
    ticket.pushing = true;
    this.runsOut(ticket, this.context.limits().turnPush);
    return () => this.leave(ticket);
  }

  /** How many wait for a namespace, whoever has the turn not counted. */
  waitingIn(ns: string): number {
    return this.lines.get(ns)?.waiting.size ?? 0;
  }

  /** The namespaces in which somebody has the turn, those with the longest lines first. */
  held(): string[] {
    return [...this.lines].sort(([, a], [, b]) => b.waiting.size - a.waiting.size).map(([ns]) => ns);
  }

  /** The lines in which somebody waits, the longest first. */
  status(): LineStatus[] {
    const now = this.context.clock.now();
    return [...this.lines]
      .filter(([, { waiting }]) => waiting.size > 0)
      .map(([ns, { waiting }]) => ({ ns, waiting: waiting.size, longestMs: now - ([...waiting][0]?.since ?? now) }))
      .sort((a, b) => b.waiting - a.waiting);
  }

  private holderOf(token: string): Ticket | undefined {
    return [...this.lines.values()].find(({ holder }) => holder?.token === token)?.holder ?? undefined;
  }

  /** Whoever holds a turn or waits for one does so no more. */
  private leave(ticket: Ticket): void {
    if (ticket.over.signal.aborted) return;
    ticket.over.abort();
    ticket.timer.abort();
    this.stand(ticket.who, -1);
    const line = this.lines.get(ticket.ns);
    if (line === undefined) return;
    if (line.waiting.delete(ticket)) this.count(-1);
    if (line.holder === ticket) {
      line.holder = null;
      if (ticket.pushing) this.took(this.context.clock.now() - ticket.granted);
      else this.passedBy(ticket);
    }
    this.goOn(ticket.ns, line);
  }

  private goOn(ns: string, line: Line, now = this.context.clock.now()): void {
    if (line.holder !== null) return;
    const next = this.nextOf(line);
    if (next === undefined) {
      this.lines.delete(ns);
      return;
    }
    line.waiting.delete(next);
    line.holder = next;
    next.granted = now;
    this.count(-1);
    this.context.observer.granted(ns, next.granted - next.since);
    this.runsOut(next, this.context.limits().turnTime);
    next.grant();
  }

  private nextOf({ waiting }: Line): Ticket | undefined {
    const since = this.context.clock.now() - REMEMBERED_MS;
    for (const [who, at] of this.idle) if (at < since) this.idle.delete(who);
    for (const ticket of waiting) if (!this.idle.has(ticket.who)) return ticket;
    const [first] = waiting;
    return first;
  }

  private took(ms: number): void {
    this.usualMs += NEWEST_SHARE * (ms - this.usualMs);
  }

  private fullOf(standing: number): Readonly<Record<string, number>> {
    return { standing, turn_ms: Math.max(1, Math.round(this.usualMs)) };
  }

  private passedBy({ ns, who }: Ticket): void {
    this.idle.delete(who);
    this.idle.set(who, this.context.clock.now());
    this.context.observer.unused(ns, who);
  }

  private runsOut(ticket: Ticket, ms: number): void {
    ticket.timer.abort();
    const timer = new AbortController();
    ticket.timer = timer;
    void this.context.clock.sleep(ms, timer.signal).then(
      () => this.leave(ticket),
      () => undefined, // used, or given back, before
    );
  }

  private stand(who: string, by: number): void {
    const standing = (this.standing.get(who) ?? 0) + by;
    if (standing > 0) this.standing.set(who, standing);
    else this.standing.delete(who);
  }

  private count(by: number): void {
    this.waiting += by;
    this.context.observer.waiting(this.waiting);
  }
}

function hungUp(): KvError {
  return new KvError('INTERRUPTED', 'the writer hung up');
}
