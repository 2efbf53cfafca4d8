import type { History } from './catch-up.js';
import type { Entry, Standing } from '../entry.js';

/** How many entries are kept at most, and how many an answer has. */
const MOST = 4000;
const PIECE = 1000;
/** About how many bytes of entries are kept, and an answer has. */
const MOST_BYTES = 16 * 1024 * 1024;
const PIECE_BYTES = 4 * 1024 * 1024;
/** At how many sequence numbers the digest is remembered. */
const MOST_DIGESTS = 100_000;

/** The newest entries of a server's history, which those that are behind ask for. */
export class EntryHistory {
  private entries: Entry[] = [];
  /** About what the entries take. */
  private bytes = 0;
  private digests = new Map<number, string>();

  /** Begins at a standing, with the entries that lead there, oldest first, each continuing the one before. */
  constructor(
    private standing: Standing,
    entries: readonly Entry[] = [],
  ) {
    this.entries = [...entries];
    for (const entry of entries) this.bytes += sizeOf(entry);
    this.shed();
    const [first] = entries;
    if (first !== undefined && first.sequence > 0) this.digests.set(first.sequence - 1, first.before);
    for (const { sequence, after } of entries) this.digests.set(sequence, after);
    if (standing.sequence >= 0) this.digests.set(standing.sequence, standing.digest);
  }

  /** Adds the entry that was applied last. */
  add(entry: Entry): void {
    this.standing = { sequence: entry.sequence, digest: entry.after, members: entry.members };
    this.entries.push(entry);
    this.bytes += sizeOf(entry);
    this.shed();
    this.digests.set(entry.sequence, entry.after);
    if (this.digests.size > MOST_DIGESTS) this.digests.delete(this.digests.keys().next().value as number); // a map of that size has a first key
  }

  /** What is known from a sequence on. */
  from(sequence: number): History {
    const { standing } = this;
    const first = standing.sequence - this.entries.length;
    const digestThere = this.digests.get(sequence) ?? null;
    if (sequence < first) return { standing, digestThere, after: null };
    const after: Entry[] = [];
    let bytes = 0;
    for (const entry of this.entries.slice(sequence - first, sequence - first + PIECE)) {
      bytes += sizeOf(entry);
      if (after.length > 0 && bytes > PIECE_BYTES) break;
      after.push(entry);
    }
    return { standing, digestThere, after };
  }

  /** Drops the oldest entries that are too many, or too much. */
  private shed(): void {
    let least = Math.max(0, this.entries.length - MOST);
    for (let at = 0; at < least; at++) this.bytes -= sizeOf(this.entries[at] as Entry); // below its length
    while (this.bytes > MOST_BYTES && least < this.entries.length) this.bytes -= sizeOf(this.entries[least++] as Entry);
    if (least > 0) this.entries.splice(0, least);
  }
}

/** About what an entry takes, bytes. */
const sizeOf = ({ updates, events }: Entry): number => 200 * (updates.length + events.length) + 500;
