import { GitMemoryStore } from '../../../adapters/git-memory/open.js';
import { nodeHasher } from '../../../adapters/hasher-node/open.js';
import { ObjectNamer } from '../../../domain/git/object.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';

export const FORMATS: readonly ObjectFormat[] = ['sha1', 'sha256'];
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

export function memory(format: ObjectFormat = 'sha1'): { store: GitMemoryStore; namer: ObjectNamer; oidBytes: number } {
  return {
    store: new GitMemoryStore(format),
    namer: new ObjectNamer(nodeHasher(), format),
    oidBytes: format === 'sha1' ? 20 : 32,
  };
}

/** A clock that stands where it is put. */
export class TestClock implements Clock {
  constructor(public at = NOW) {}
  now(): number {
    return this.at;
  }
  async sleep(ms: number): Promise<void> {
    this.at += ms;
  }
}

/** Bytes that follow from a seed (xorshift32), so that golden vectors stay. */
export class SeededRandomness implements Randomness {
  constructor(private state = 1) {}
  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => {
      this.state ^= this.state << 13;
      this.state ^= this.state >>> 17;
      this.state ^= this.state << 5;
      return this.state & 255;
    });
  }
}
