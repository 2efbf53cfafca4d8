import type { GitStore } from '../../../../ports/git/git-store.js';

/** A first buffer, bytes. */
const FIRST = 64 * 1024;

/** Bytes that come piece by piece, and other memory that goes with them, counted against a repository's limits. */
export class HeldBytes {
  private buffer = new Uint8Array(0);
  private length = 0;
  private releaseBuffer: (() => void) | null = null;
  private readonly others: (() => void)[] = [];
  /** What was asked for in small pieces and is counted in large ones. */
  private spare = 0;

  constructor(private readonly store: Pick<GitStore, 'reserve'>) {}

  /** What was appended. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  /** Throws `STORAGE_FULL`. */
  append(piece: Uint8Array): void {
    const wanted = this.length + piece.length;
    if (wanted > this.buffer.length) this.grow(Math.max(FIRST, wanted, this.buffer.length * 2));
    this.buffer.set(piece, this.length);
    this.length = wanted;
  }

  /** Counts bytes that the caller is about to take. Throws `STORAGE_FULL`. */
  hold(bytes: number): void {
    if (bytes > this.spare) {
      const more = Math.max(FIRST, bytes);
      const release = this.store.reserve?.(more);
      if (release !== undefined) this.others.push(release);
      this.spare += more;
    }
    this.spare -= bytes;
  }

  /** Forgets what was appended. */
  drop(): void {
    this.buffer = new Uint8Array(0);
    this.length = 0;
    this.releaseBuffer?.();
    this.releaseBuffer = null;
  }

  /** Forgets everything. Idempotent. */
  release(): void {
    this.drop();
    for (const release of this.others.splice(0)) release();
    this.spare = 0;
  }

  private grow(size: number): void {
    const release = this.store.reserve?.(size) ?? null;
    const buffer = new Uint8Array(size);
    buffer.set(this.bytes);
    this.buffer = buffer;
    this.releaseBuffer?.();
    this.releaseBuffer = release;
  }
}
