/** A lock within this process: holders go one after another, in the order they asked. */
export class Mutex {
  private tail: Promise<void> = Promise.resolve();

  /** Waits for the lock; gives what releases it. Releasing twice does nothing. */
  async acquire(): Promise<() => void> {
    const before = this.tail;
    let open: () => void = () => undefined;
    this.tail = new Promise((resolve) => {
      open = resolve;
    });
    await before;
    return open;
  }
}
