import type { Clock, Randomness } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { Limits } from '../../../ports/stargate/limits.js';
import { toHex } from '../../git/bytes.js';
import { Line } from './line.js';
import { PassedOver } from './passed-over.js';

/** Told of the lines, for metrics and status. */
export interface TurnsObserver {
  /** How many stand in all lines, whoever's turn it is not counted. */
  waiting(count: number): void;
  /** A turn has come; milliseconds since it was asked for. */
  granted(ns: string, waitedMs: number): void;
  /** A turn of somebody's went by without a push, or before its push had ended. */
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
  /** Whether its turn was shortened for others. */
  hurried: boolean;
}

/** How long a turn takes as long as none has been used, milliseconds; and how much the newest one counts for the mean. */
const FIRST_GUESS_MS = 250;
const NEWEST_SHARE = 0.2;
/** A turn is short that lasts for no more of the usual ones, and it is not too short for who is far away. Milliseconds. */
const SHORT_TURN = 2;
const LEAST_SHORT_MS = 500;

interface Place {
  holder: Ticket | null;
  readonly line: Line<Ticket>;
}

/**
 * Who may push to a namespace next. Writers that have lost a race stand in line, where the turn goes round the keys, and first come is first served
 * among those of one key; while one has its turn, all others' pushes to that namespace are refused before they are read. Where nobody stands in
 * line, whoever pushes first is first.
 * A key that has let a turn go by, or whose push did not end in it, is passed over for a while by those that have not, and a turn that it has
 * meanwhile is short once others wait: nobody holds a line up by asking again and again.
 */
export class Turns {
  /** Only namespaces where somebody waits or has a turn: nobody makes it grow by names. */
  private readonly places = new Map<string, Place>();
  private waiting = 0;
  /** How many stand in lines, or have the turn, by key. */
  private readonly standing = new Map<string, number>();
  private readonly passedOver: PassedOver;
  /** How long a turn takes from its grant to the end of its push, the newer ones counting most. Milliseconds. */
  private usualMs = FIRST_GUESS_MS;

  constructor(private readonly context: TurnsContext) {
    this.passedOver = new PassedOver(context.clock);
  }

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
        hurried: false,
      };
      gone.addEventListener(
        'abort',
        () => {
          this.leave(made);
          reject(hungUp());
        },
        { once: true, signal: made.over.signal },
      );
      const place = this.places.get(ns) ?? { holder: null, line: new Line() };
      this.places.set(ns, place);
      place.line.add(made);
      this.stand(who, 1);
      this.count(1);
      this.goOn(ns, place, made.since);
      this.hurry(place);
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
      const place = this.places.get(ns);
      if (place === undefined || place.holder === null || place.holder.token === token) continue;
      const waiting = place.line.size;
      throw new KvError('CAS_CONFLICT', `another writer has the turn in namespace ${ns}, and ${waiting} wait`, {
        hint: 'try again in a moment, or ask for a turn',
        details: { ns, turns: waiting + 1 },
      });
    }
  }

  /** The push of a turn has begun: it has the time for a push now, unless the turn was shortened. Gives what ends the turn, when the push has ended. */
  begin(token: string | undefined): () => void {
    const ticket = token === undefined ? undefined : this.holderOf(token);
    if (ticket === undefined) return () => undefined;
    ticket.pushing = true;
    if (!ticket.hurried) this.runsOut(ticket, this.context.limits().turnPush);
    return () => this.leave(ticket);
  }

  /** How many wait for a namespace, whoever has the turn not counted. */
  waitingIn(ns: string): number {
    return this.places.get(ns)?.line.size ?? 0;
  }

  /** The namespaces in which somebody has the turn, those with the longest lines first. */
  held(): string[] {
    return [...this.places].sort(([, a], [, b]) => b.line.size - a.line.size).map(([ns]) => ns);
  }

  /** The lines in which somebody waits, the longest first. */
  status(): LineStatus[] {
    const now = this.context.clock.now();
    return [...this.places]
      .filter(([, { line }]) => line.size > 0)
      .map(([ns, { line }]) => ({ ns, waiting: line.size, longestMs: now - (line.oldest() ?? now) }))
      .sort((a, b) => b.waiting - a.waiting);
  }

  private holderOf(token: string): Ticket | undefined {
    return [...this.places.values()].find(({ holder }) => holder?.token === token)?.holder ?? undefined;
  }

  /** Whoever holds a turn or waits for one does so no more. */
  private leave(ticket: Ticket, ranOut = false): void {
    if (ticket.over.signal.aborted) return;
    ticket.over.abort();
    ticket.timer.abort();
    this.stand(ticket.who, -1);
    const place = this.places.get(ticket.ns);
    if (place === undefined) return;
    if (place.line.remove(ticket)) this.count(-1);
    if (place.holder === ticket) {
      place.holder = null;
      const held = this.context.clock.now() - ticket.granted;
      if (ticket.pushing && !ranOut) this.took(held);
      else this.wentBy(ticket, ranOut || held > this.shortMs());
    }
    this.goOn(ticket.ns, place);
  }

  private goOn(ns: string, place: Place, now = this.context.clock.now()): void {
    if (place.holder !== null) return;
    const next = place.line.next((who) => this.passedOver.has(who));
    if (next === undefined) {
      this.places.delete(ns);
      return;
    }
    place.holder = next;
    next.granted = now;
    this.count(-1);
    this.context.observer.granted(ns, next.granted - next.since);
    this.runsOut(next, this.context.limits().turnTime);
    this.hurry(place);
    next.grant();
  }

  /** The turn of a key that is passed over is a short one when others wait, its push included. */
  private hurry({ holder, line }: Place): void {
    if (holder === null || holder.hurried || !line.hasOthersThan(holder.who) || !this.passedOver.has(holder.who)) return;
    holder.hurried = true;
    const short = this.shortMs();
    const left = short - (this.context.clock.now() - holder.granted);
    this.runsOut(holder, Math.min(short, Math.max(0, left))); // never longer, should the clock have been moved
  }

  /** How long a turn may last that is short. Milliseconds. */
  private shortMs(): number {
    return Math.min(this.context.limits().turnTime, Math.max(LEAST_SHORT_MS, SHORT_TURN * this.usualMs));
  }

  private took(ms: number): void {
    this.usualMs += NEWEST_SHARE * (ms - this.usualMs);
  }

  private fullOf(standing: number): Readonly<Record<string, number>> {
    return { standing, turn_ms: Math.max(1, Math.round(this.usualMs)) };
  }

  /**
   * A turn went by. Its key is passed over from then on if it held others up; not for longer because of a short turn: who is slow, and was
   * too slow for that, has a whole one again after a minute.
   */
  private wentBy({ ns, who, hurried }: Ticket, heldUp: boolean): void {
    if (heldUp && !hurried) this.passedOver.add(who);
    this.context.observer.unused(ns, who);
  }

  private runsOut(ticket: Ticket, ms: number): void {
    ticket.timer.abort();
    const timer = new AbortController();
    ticket.timer = timer;
    void this.context.clock.sleep(ms, timer.signal).then(
      () => this.leave(ticket, true),
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
