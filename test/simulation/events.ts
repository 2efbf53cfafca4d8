interface Event {
  at: number;
  order: number;
  run: () => void;
}

const nothing = (): void => undefined;

/**
 * What is to happen, by its time; of what happens at one time, first what was asked for first. A binary heap, whose records are used again:
 * there are hundreds of events a schedule, and schedules by the hundred thousand.
 */
export class Events {
  private readonly heap: Event[] = [];
  private readonly spare: Event[] = [];
  private order = 0;
  now = 0;

  after(delay: number, run: () => void): void {
    this.push(this.now + delay, this.order++, run);
  }

  /** A place among what happens at one time, for an event that may turn out not to be needed. */
  reserve(): number {
    return this.order++;
  }

  /** Lets something happen at a time, in the place that was reserved for it. */
  at(time: number, reserved: number, run: () => void): void {
    this.push(time, reserved, run);
  }

  /** Runs the next event; false when there is none. */
  next(): boolean {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return false;
    if (heap.length > 0) this.sink(last);
    this.now = first.at;
    const { run } = first;
    first.run = nothing;
    this.spare.push(first);
    run();
    return true;
  }

  private push(time: number, order: number, run: () => void): void {
    const { heap } = this;
    const event = this.spare.pop() ?? { at: 0, order: 0, run };
    event.at = time;
    event.order = order;
    event.run = run;
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

  private sink(event: Event): void {
    const { heap } = this;
    const { length } = heap;
    let at = 0;
    for (;;) {
      let index = 2 * at + 1;
      if (index >= length) break;
      let child = heap[index] as Event; // below length
      if (index + 1 < length) {
        const other = heap[index + 1] as Event; // below length
        if (isBefore(other, child)) {
          child = other;
          index++;
        }
      }
      if (!isBefore(child, event)) break;
      heap[at] = child;
      at = index;
    }
    heap[at] = event;
  }
}

const isBefore = (one: Event, other: Event): boolean => one.at < other.at || (one.at === other.at && one.order < other.order);
