/** Counts of whoever asks; the oldest are forgotten above this. */
const REMEMBERED = 100_000;

/** Lets each name so many calls a minute, and as many at once. */
export class Buckets {
  private readonly levels = new Map<string, { left: number; at: number }>();

  constructor(
    private readonly perMinute: number,
    private readonly now: () => number,
  ) {}

  /** Takes one; gives 0, or after how many seconds there is one again. */
  take(name: string): number {
    const now = this.now();
    const level = this.levels.get(name) ?? { left: this.perMinute, at: now };
    level.left = Math.min(this.perMinute, level.left + ((now - level.at) / 60_000) * this.perMinute);
    level.at = now;
    if (this.levels.size >= REMEMBERED && !this.levels.has(name)) this.levels.delete(this.levels.keys().next().value ?? '');
    this.levels.set(name, level);
    if (level.left < 1) return Math.max(1, Math.ceil(((1 - level.left) / this.perMinute) * 60));
    level.left -= 1;
    return 0;
  }

  /** Gives one back. */
  give(name: string): void {
    const level = this.levels.get(name);
    if (level !== undefined) level.left = Math.min(this.perMinute, level.left + 1);
  }
}
