import type { Ledger, Write } from './history.js';

/** From which position on a key has a value, and until which. Position 0 is before the first commit, position n after the nth. */
interface Version {
  readonly value: string | null;
  readonly from: number;
  until: number;
}

/** A ledger, made again of what its writers have asked for, in the order that it has. */
export class Replay {
  private readonly versions = new Map<string, Version[]>();

  /** Replays; `meet` sees each commit's write right before it counts, with what its changes must be. */
  constructor(
    readonly ledger: Ledger,
    writes: ReadonlyMap<string, Write>,
    meet: (write: Write, position: number, changes: Readonly<Record<string, string | null>>) => void,
  ) {
    for (const [i, { write: id }] of ledger.entries.entries()) {
      const write = id === null ? undefined : writes.get(id);
      if (write === undefined) continue;
      const gone = write.del.filter((key) => this.value(key) !== null).map((key) => [key, null] as const);
      const changes = { ...Object.fromEntries(gone), ...write.set };
      meet(write, i + 1, changes);
      for (const [key, value] of Object.entries(changes)) this.put(key, value, i + 1);
    }
  }

  /** What a key has in the end. */
  value(key: string): string | null {
    return this.versions.get(key)?.at(-1)?.value ?? null;
  }

  get keys(): string[] {
    return [...this.versions.keys()];
  }

  /** The first position from `least` on at which all of these are what keys have; undefined: there is none. */
  firstWith(values: Readonly<Record<string, string | null>>, least: number): number | undefined {
    const wanted = Object.entries(values).map(([key, value]) => this.spans(key).filter((one) => one.value === value));
    for (let at = least; ; ) {
      let next = at;
      for (const spans of wanted) {
        const span = spans.find(({ until }) => until > next);
        if (span === undefined) return undefined;
        next = Math.max(next, span.from);
      }
      if (next === at) return at <= this.ledger.entries.length ? at : undefined;
      at = next;
    }
  }

  private spans(key: string): readonly Version[] {
    return this.versions.get(key) ?? [{ value: null, from: 0, until: Number.POSITIVE_INFINITY }];
  }

  private put(key: string, value: string | null, from: number): void {
    const spans = this.versions.get(key) ?? [{ value: null, from: 0, until: Number.POSITIVE_INFINITY }];
    (spans.at(-1) as Version).until = from;
    spans.push({ value, from, until: Number.POSITIVE_INFINITY });
    this.versions.set(key, spans);
  }
}
