import type { Random } from '../simulation/random.js';
import type { OpenWrite, Recorder, Write } from './history.js';

/** The keys that all write. */
export const SHARED = Array.from({ length: 12 }, (_, i) => `k:${i}`);

/** Decides what is written next, and knows what was acknowledged last, which is what writers expect. */
export class Board {
  private readonly counts = new Map<string, number>();
  private readonly last = new Map<string, string | null>();

  constructor(private readonly random: Random) {}

  /** Whether a writer asks again that got no answer; the others leave it. */
  again(): boolean {
    return this.random.chance(0.8);
  }

  /** Begins a write: of one key, of some, a deletion, with an expectation or without. */
  begin(recorder: Recorder, who: string, ns: string, { several = true } = {}): OpenWrite & Write {
    const { random } = this;
    const key = random.pick(SHARED);
    const kind = random.next();
    const [deletes, more] = [several && kind < 0.1, several && kind > 0.9];
    const keys = deletes ? [] : more ? [...new Set([key, ...SHARED.slice(0, 3)])] : [key];
    const known = this.last.get(`${ns} ${key}`);
    return recorder.begin({
      ...{ who, ns, del: deletes ? [key] : [] },
      set: (id) => Object.fromEntries(keys.map((one) => [one, `${id} ${one}`])),
      expect: known !== undefined && random.chance(0.3) ? { [key]: known } : {},
    });
  }

  /** How many writes were acknowledged, of one ledger or of all. */
  count(ns?: string): number {
    return [...this.counts].reduce((sum, [name, count]) => sum + (ns === undefined || ns === name ? count : 0), 0);
  }

  /** A write was acknowledged. */
  landed({ ns, set, del }: Pick<Write, 'ns' | 'set' | 'del'>): void {
    this.counts.set(ns, (this.counts.get(ns) ?? 0) + 1);
    for (const [key, value] of Object.entries(set)) this.last.set(`${ns} ${key}`, value);
    for (const key of del) this.last.set(`${ns} ${key}`, null);
  }
}
