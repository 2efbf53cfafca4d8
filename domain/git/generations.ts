/**
 * What was used last, by key, bounded by weight. There are two generations: once the young ones weigh half of what all may, they become
 * the old ones, and what was old and not used since is forgotten. A map from which the oldest is removed one by one takes ever longer to
 * find it.
 */
export class Generations<K, V> {
  private young = new Map<K, V>();
  private old = new Map<K, V>();
  private weight = 0;

  constructor(
    /** How much all together may weigh; asked whenever it counts. */
    private readonly most: () => number,
    private readonly weightOf: (value: V) => number,
  ) {}

  /** How many there are. */
  get size(): number {
    return this.young.size + this.old.size;
  }

  /** What is kept under a key, which is used by that. */
  get(key: K): V | undefined {
    const value = this.young.get(key);
    if (value !== undefined) return value;
    const aged = this.old.get(key);
    if (aged === undefined) return undefined;
    this.old.delete(key);
    this.set(key, aged);
    return aged;
  }

  /** Keeps something under a key that has nothing yet, or that once more. */
  set(key: K, value: V): void {
    this.old.delete(key);
    const known = this.young.get(key);
    this.young.set(key, value);
    this.weigh(this.weightOf(value) - (known === undefined ? 0 : this.weightOf(known)));
  }

  /** What is kept has become heavier by so much. */
  weigh(more: number): void {
    this.weight += more;
    if (this.weight <= this.most() / 2) return;
    this.old = this.young;
    this.young = new Map();
    this.weight = 0;
  }

  /** Forgets everything. */
  clear(): void {
    this.young.clear();
    this.old.clear();
    this.weight = 0;
  }
}
