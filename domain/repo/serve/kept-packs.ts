import type { GitStore } from '../../../ports/git/git-store.js';

/** A pack as it was sent: what it holds follows from the ids that were asked for, so it is never out of date. */
interface KeptPack {
  readonly objects: number;
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
}

/** What is being gathered, of all clones that are under way, is no more than this part of what is kept. */
const LARGEST = 4;

/**
 * Packs of whole clones that were sent lately, of all repositories of a process together: many clients clone one state, and to put it
 * together again takes more than to send it. What was not asked for longest goes first.
 */
export class KeptPacks {
  private readonly kept = new Map<string, KeptPack>();
  private readonly names = new WeakMap<GitStore, number>();
  private named = 0;
  private held = 0;
  private gathered = 0;

  /** `most` bytes are kept, beside what repositories hold. */
  constructor(private readonly most: number) {}

  /** Bytes that are kept. */
  get bytes(): number {
    return this.held;
  }

  get(store: GitStore, key: string): KeptPack | null {
    const name = this.nameOf(store, key);
    const found = this.kept.get(name);
    if (found === undefined) return null;
    this.kept.delete(name);
    this.kept.set(name, found); // asked for last
    return found;
  }

  /** Passes a pack on and keeps it once it has gone whole, where it is not too large. */
  async *keeping(
    store: GitStore,
    key: string,
    objects: number,
    pack: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let pieces: Uint8Array[] | null = [];
    let bytes = 0;
    try {
      for await (const piece of pack) {
        yield piece;
        if (pieces === null) continue;
        bytes += piece.length;
        this.gathered += piece.length;
        if (this.gathered <= this.most / LARGEST) pieces.push(piece);
        else {
          this.gathered -= bytes;
          pieces = null;
        }
      }
      if (pieces !== null) this.keep(this.nameOf(store, key), { objects, pieces, bytes });
    } finally {
      if (pieces !== null) this.gathered -= bytes;
    }
  }

  private keep(name: string, pack: KeptPack): void {
    this.drop(name); // two may have been sent at the same time
    this.kept.set(name, pack);
    this.held += pack.bytes;
    for (const oldest of this.kept.keys()) {
      if (this.held <= this.most) return;
      this.drop(oldest);
    }
  }

  private drop(name: string): void {
    this.held -= this.kept.get(name)?.bytes ?? 0;
    this.kept.delete(name);
  }

  private nameOf(store: GitStore, key: string): string {
    const number = this.names.get(store) ?? ++this.named;
    this.names.set(store, number);
    return `${number} ${key}`;
  }
}
