/** After a process was stopped, what has come meanwhile is found before it counts as silence. ms. */
const SECOND_LOOK_MS = 1000;

/** Tells when nothing has moved on a stream for as long as that may be. */
export class StreamSilence {
  private timer: NodeJS.Timeout;
  private last = performance.now();
  private looked = false;

  /** `most` is asked whenever it counts, milliseconds; `silent` may call `moved` to wait once more. */
  constructor(
    private readonly most: () => number,
    private readonly silent: () => void,
  ) {
    this.timer = this.in(most());
  }

  /** To be called at every sign of life. Costs nothing: the timer is set again when it has run out. */
  moved(): void {
    this.last = performance.now();
    this.looked = false;
  }

  /** To be called when the stream has ended. */
  stop(): void {
    clearTimeout(this.timer);
  }

  private in(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.look(), ms).unref();
  }

  private look(): void {
    const left = this.last + this.most() - performance.now();
    if (left > 0) {
      this.timer = this.in(left);
    } else if (!this.looked) {
      this.looked = true;
      this.timer = this.in(SECOND_LOOK_MS);
    } else {
      this.timer = this.in(this.most()); // unless it is stopped now
      this.silent();
    }
  }
}
