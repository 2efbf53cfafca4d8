/** What one stream that is written has waiting for its client. */
export interface Share {
  /**
   * Why a client that has so many bytes waiting is to go: more than one may have, or, where all together have more than there is room for,
   * more than most of them; null where it may stay.
   */
  excess(unread: number): string | null;
  /** The stream has ended; `reason` where it was cut off. Idempotent. */
  end(reason?: string): void;
}

/** Bounds on what waits for clients that don't read, bytes: of one, and of all together. */
export interface StreamBounds {
  readonly each: number;
  readonly together: number;
}

/** What may wait: a client that reads comes back for what it has missed. */
const STREAM_BOUNDS: StreamBounds = { each: 128 * 1024, together: 64 * 1024 * 1024 };

/** All streams of a server that are being written, and what waits for those who don't read. */
export class Streams {
  private unread = 0;
  private count = 0;
  private cutOff = 0;

  constructor(private readonly bounds: StreamBounds = STREAM_BOUNDS) {}

  /** How many there are. */
  get open(): number {
    return this.count;
  }

  /** How many were cut off since the start. */
  get cut(): number {
    return this.cutOff;
  }

  begin(): Share {
    this.count += 1;
    let own = 0;
    let hasEnded = false;
    return {
      excess: (unread) => {
        if (hasEnded) return null;
        this.unread += unread - own;
        own = unread;
        if (unread > this.bounds.each) return 'it does not read';
        const isFull = this.unread > this.bounds.together && unread > this.bounds.together / this.count;
        return isFull ? 'it reads too slowly, and too many others do' : null;
      },
      end: (reason) => {
        if (hasEnded) return;
        hasEnded = true;
        this.unread -= own;
        this.count -= 1;
        if (reason !== undefined) this.cutOff += 1;
      },
    };
  }
}
