interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** What is to happen, by its time; of what happens at one time, first what was asked for first. A binary heap. */
export class Events {
  private readonly heap: Event[] = [];
  private order = 0;
  now = 0;

  after(delay: number, run: () => void): void {
    const { heap } = this;
    const event = { at: this.now + delay, order: this.order++, run };
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as Event; // up is an index of the heap
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = event;
  }

  /** Runs the next event; false when there is none. */
  next(): boolean {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return false;
    if (heap.length > 0) this.sink(last);
    this.now = first.at;
    first.run();
    return true;
  }

  private sink(event: Event): void {
    const { heap } = this;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let child = heap[left];
      if (child === undefined) break;
      let index = left;
      const other = heap[right];
      if (other !== undefined && isBefore(other, child)) {
        child = other;
        index = right;
      }
      if (!isBefore(child, event)) break;
      heap[at] = child;
      at = index;
    }
    heap[at] = event;
  }
}

const isBefore = (one: Event, other: Event): boolean => one.at < other.at || (one.at === other.at && one.order < other.order);
