import { ApiError } from '../problems/errors.js';

/** Work of which so much is done at a time, and so much may wait: what each takes in memory is not counted elsewhere. */
export class Turns {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly most: number,
    private readonly mostWaiting: number,
  ) {}

  /** Throws `BUSY` where too much waits already. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.most) {
      if (this.waiting.length >= this.mostWaiting)
        throw new ApiError(503, 'BUSY', 'too many fetches at a time: try again later', undefined, { 'Retry-After': '5' });
      await new Promise<void>((resolve) => this.waiting.push(resolve)); // whoever ends hands its place on
    } else this.running += 1;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}
