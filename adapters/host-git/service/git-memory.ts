import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { GitBounds } from '../../../ports/index.js';

/** What git keeps of an object while it lists what a client lacks: more than half of it was seen, of 620,000 objects. Bytes. */
const PER_OBJECT = 640;
/** The least that an object takes in a pack's index: name, checksum and offset. Bytes. */
const INDEXED = 28;
/** How long a count is good for, ms: it is of no use to count more precisely than git needs memory. */
const COUNT_EVERY_MS = 60_000;

/** How much memory git's own lists of a repository's objects take: that is not the client's doing, and grows with the repository. */
export class RepositoryMemory {
  private counted = { at: Number.NEGATIVE_INFINITY, bytes: 0 };

  constructor(private readonly gitDir: string) {}

  /** Bytes. Looks into the folder of packs from time to time. */
  get bytes(): number {
    const now = performance.now();
    if (now - this.counted.at > COUNT_EVERY_MS) this.counted = { at: now, bytes: this.count() };
    return this.counted.bytes;
  }

  private count(): number {
    const folder = join(this.gitDir, 'objects', 'pack');
    let indexed = 0;
    try {
      for (const name of readdirSync(folder)) {
        if (name.endsWith('.idx')) indexed += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
      }
    } catch {
      return this.counted.bytes; // git will say what is wrong with the folder
    }
    return Math.ceil(indexed / INDEXED) * PER_OBJECT;
  }
}

/**
 * Settings with which git keeps to a bound where it has a choice: a file is not held whole in memory when it needs not be, deltas are
 * sought among what fits, and one thread more doesn't take as much again.
 */
export function thriftySettings({ memory }: GitBounds): readonly string[] {
  const part = (share: number): string => String(Math.trunc(memory / share));
  return [
    `core.bigFileThreshold=${part(4)}`,
    `core.deltaBaseCacheLimit=${part(5)}`,
    `pack.deltaCacheSize=${part(4)}`,
    `pack.windowMemory=${part(8)}`,
    'pack.threads=2',
  ].flatMap((setting) => ['-c', setting]);
}
