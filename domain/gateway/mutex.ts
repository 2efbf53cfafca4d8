/** A lock within this process: holders go one after another, in the order they asked. */
export class Mutex {
  private held = false;
  private waiting: (() => void)[] = [];
  /** Of those that waited, how many have had their turn. */
  private served = 0;

  /** Waits for the lock; gives what releases it. Releasing twice does nothing. */
  async acquire(): Promise<() => void> {
    const release = this.take();
    if (release !== null) return release;
    await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.releaser();
  }

  /** The lock, where nobody has it; null where it must be waited for. */
  take(): (() => void) | null {
    if (this.held) return null;
    this.held = true;
    return this.releaser();
  }

  private releaser(): () => void {
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.next();
    };
  }

  /** Hands the lock on: it is never free while somebody waits. */
  private next(): void {
    const next = this.waiting[this.served];
    if (next === undefined) {
      this.held = false;
      return;
    }
    this.served += 1;
    if (this.served === this.waiting.length) {
      this.waiting = [];
      this.served = 0;
    }
    next();
  }
}
