/** Somebody that stands in a line: `who` is the key that it came with, `since` when it came, in milliseconds. */
export interface Standing {
  readonly who: string;
  readonly since: number;
}

/**
 * Who waits for one namespace. Between keys the turn goes round, and among those of one key, first come is first served: a key that comes with
 * a hundred connections has one turn, and then each other key that waits has one. Where each has a key of its own, that is first come, first served.
 */
export class Line<Ticket extends Standing> {
  /** By key; the key whose turn is next comes first, but for the one that had the newest turn. */
  private readonly waiting = new Map<string, Set<Ticket>>();
  private newest: string | null = null;
  private count = 0;

  /** How many wait, of all keys. */
  get size(): number {
    return this.count;
  }

  /** Stands at the end of its key's line, and a key that didn't wait behind those that do. */
  add(ticket: Ticket): void {
    const own = this.waiting.get(ticket.who) ?? new Set();
    this.waiting.set(ticket.who, own.add(ticket));
    this.count++;
  }

  /** Takes one out, wherever it stands; false where it doesn't stand there. */
  remove(ticket: Ticket): boolean {
    const own = this.waiting.get(ticket.who);
    if (own?.delete(ticket) !== true) return false;
    if (own.size === 0) this.waiting.delete(ticket.who);
    this.count--;
    return true;
  }

  /** Takes out who is next; a key that is passed over is next only where no other waits. Undefined where nobody waits. */
  next(isPassedOver: (who: string) => boolean): Ticket | undefined {
    const had = this.newest === null ? undefined : this.waiting.get(this.newest);
    if (this.newest !== null && had !== undefined) {
      this.waiting.delete(this.newest);
      this.waiting.set(this.newest, had);
    }
    const keys = [...this.waiting.keys()];
    const who = keys.find((key) => !isPassedOver(key)) ?? keys[0];
    const [ticket] = who === undefined ? [] : (this.waiting.get(who) ?? []);
    if (who === undefined || ticket === undefined) return undefined;
    this.newest = who;
    this.remove(ticket);
    return ticket;
  }

  /** Whether anybody waits that has another key. */
  hasOthersThan(who: string): boolean {
    return this.waiting.size > (this.waiting.has(who) ? 1 : 0);
  }

  /** When the first of those who wait came; undefined where nobody waits. */
  oldest(): number | undefined {
    const firsts = [...this.waiting.values()].flatMap(([first]) => (first === undefined ? [] : [first.since]));
    return firsts.length === 0 ? undefined : Math.min(...firsts);
  }
}
