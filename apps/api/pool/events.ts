import type { RefEvent } from '../../../domain/repo/types.js';

/** A moved ref with its place in the stream of one repository. */
export interface LoggedEvent extends RefEvent {
  /** `<log>-<number>`, such as `9f3a-12`. */
  readonly id: string;
}

/** How many events a stream may be behind and still be continued. */
const KEPT = 1000;

/** The newest events of a repository, through openings and closings of it. */
export class EventLog {
  private readonly newest: LoggedEvent[] = [];
  private readonly listeners = new Set<(event: LoggedEvent | null) => void>();
  private count = 0;

  /** `name` tells this log from the same repository's before a restart. */
  constructor(private readonly name: string) {}

  add(event: RefEvent): LoggedEvent {
    const logged = { ...event, id: `${this.name}-${++this.count}` };
    this.newest.push(logged);
    if (this.newest.length > KEPT) this.newest.shift();
    for (const listener of this.listeners) listener(logged);
    return logged;
  }

  /** What came after an event; null where that can't be known any more. */
  since(id: string): readonly LoggedEvent[] | null {
    const [, number] = new RegExp(`^${this.name}-(\\d{1,15})$`).exec(id) ?? [];
    const from = Number(number ?? Number.NaN);
    if (!(from <= this.count) || this.count - from > this.newest.length) return null;
    return this.newest.slice(this.newest.length - (this.count - from));
  }

  /** Calls a listener for each event, and with null at the end of the repository; gives what ends it. */
  listen(listener: (event: LoggedEvent | null) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** How many listen. */
  get watchers(): number {
    return this.listeners.size;
  }

  end(): void {
    for (const listener of [...this.listeners]) listener(null);
    this.listeners.clear();
  }
}
