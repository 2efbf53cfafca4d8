import { type Entry, NOTHING, type Standing, standingAfter } from '../../domain/gateway/replicate/entry.js';
import type { History } from '../../domain/gateway/replicate/follower/catch-up.js';
import type { Restored } from '../../domain/gateway/replicate/machine.js';
import type { Random } from './random.js';

/** One record on its way to the disk. `digests` are those of the history that comes with a snapshot. */
export type Record =
  | { readonly kind: 'store'; readonly entry: Entry }
  | { readonly kind: 'drop'; readonly entry: Entry }
  | { readonly kind: 'apply'; readonly entries: readonly Entry[] }
  | { readonly kind: 'install'; readonly standing: Standing; readonly digests: readonly string[] };

/** How many entries a tail has at most. */
const PIECE = 5;

/** A server's disk: journal and refs. What was written is durable once it was synced; a crash keeps some of the rest, in order. */
export class Disk {
  term = 0;
  prepared: Entry | null = null;
  applied: Standing;
  /** The digest at each sequence, and the entries that are still kept. */
  digests: string[] = [];
  private kept: Entry[] = [];
  private unsynced: Record[] = [];

  constructor(
    first: Standing,
    private readonly keep: number,
  ) {
    this.applied = first;
    if (first.sequence === 0) this.digests = [first.digest];
  }

  write(record: Record): void {
    this.unsynced.push(record);
  }

  /** Makes durable what was written up to this record. */
  sync(record: Record): void {
    const upTo = this.unsynced.indexOf(record);
    for (const written of this.unsynced.splice(0, upTo + 1)) this.take(written);
  }

  /** A write has failed: maybe it is there nevertheless, whole, or torn and dropped by the next scan. */
  fail(record: Record, random: Random): void {
    if (random.chance(0.3)) {
      this.sync(record);
      return;
    }
    this.unsynced = this.unsynced.filter((written) => written !== record);
  }

  /**
   * Power fails: of what was not synced, a beginning is there. The record behind it is torn, and dropped; where it is refs that were to move
   * over several entries, the start completes some of these.
   */
  crash(random: Random): void {
    const survives = random.between(0, this.unsynced.length);
    for (const written of this.unsynced.slice(0, survives)) this.take(written);
    const torn = this.unsynced[survives];
    if (torn?.kind === 'apply' && torn.entries.length > 1)
      this.take({ kind: 'apply', entries: torn.entries.slice(0, random.between(0, torn.entries.length)) });
    this.unsynced = [];
  }

  /** Whoever reads it anew sees all that was written, synced or not, while power is there. */
  reread(): void {
    for (const written of this.unsynced.splice(0)) this.take(written);
  }

  wipe(): void {
    this.term = 0;
    this.prepared = null;
    this.applied = NOTHING;
    this.digests = [];
    this.kept = [];
    this.unsynced = [];
  }

  restored(): Restored {
    return { term: this.term, applied: this.applied, prepared: this.prepared };
  }

  /** What is told to whoever asks from a position on. */
  history(from: number): History {
    const { applied: standing } = this;
    const first = standing.sequence - this.kept.length;
    const after = from < first ? null : this.kept.slice(from - first, from - first + PIECE);
    return { standing, digestThere: this.digests[from] ?? null, after };
  }

  /** Whether an entry is durable here, with all before it. */
  holds(sequence: number, digest: string): boolean {
    if (this.applied.sequence >= sequence) return this.digests[sequence] === digest;
    const { prepared, applied } = this;
    return (
      prepared !== null &&
      prepared.sequence === sequence &&
      prepared.after === digest &&
      applied.sequence === sequence - 1 &&
      applied.digest === prepared.before
    );
  }

  private move(entry: Entry): void {
    if (entry.sequence <= this.applied.sequence) return;
    this.applied = standingAfter(entry);
    this.digests[entry.sequence] = entry.after;
    this.kept.push(entry);
    if (this.kept.length > this.keep) this.kept.shift();
  }

  private take(record: Record): void {
    if (record.kind === 'install') {
      this.applied = record.standing;
      this.digests = [...record.digests];
      this.kept = [];
    } else if (record.kind === 'store') {
      this.prepared = record.entry;
      this.term = Math.max(this.term, record.entry.term);
    } else if (record.kind === 'drop') {
      if (this.prepared === record.entry) this.prepared = null;
    } else for (const entry of record.entries) this.move(entry);
    if (this.prepared !== null && this.prepared.sequence <= this.applied.sequence) this.prepared = null;
  }
}
