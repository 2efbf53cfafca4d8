/** How much may wait before whoever sends has to, bytes. */
const ROOM = 64 * 1024;

/** One direction of a connection in this process: bytes that wait to be taken, with an end. */
export class ByteQueue {
  private waiting: Uint8Array[] = [];
  private size = 0;
  private ended = false;
  private wakes: (() => void)[] = [];

  /** Resolves when there is room for more, or when there will be none any more. */
  async put(bytes: Uint8Array): Promise<void> {
    if (this.ended || bytes.length === 0) return;
    this.waiting.push(bytes.slice()); // as over a wire: what the sender does with it afterwards is its own affair
    this.size += bytes.length;
    this.wake();
    while (this.size > ROOM && !this.ended) await this.change();
  }

  /** The next bytes; null after the end. */
  async take(): Promise<Uint8Array | null> {
    for (;;) {
      const bytes = this.waiting.shift();
      if (bytes !== undefined) {
        this.size -= bytes.length;
        this.wake();
        return bytes;
      }
      if (this.ended) return null;
      await this.change();
    }
  }

  /** All of it, to the end. */
  async *all(): AsyncGenerator<Uint8Array> {
    for (let bytes = await this.take(); bytes !== null; bytes = await this.take()) yield bytes;
  }

  /** Nothing more comes; what waits can still be taken. */
  end(): void {
    this.ended = true;
    this.wake();
  }

  /** Forgets what waits. */
  drop(): void {
    this.waiting = [];
    this.size = 0;
    this.wake();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.wakes.push(resolve));
  }

  private wake(): void {
    const { wakes } = this;
    this.wakes = [];
    for (const wake of wakes) wake();
  }
}
