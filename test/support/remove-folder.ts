import { rmSync } from 'node:fs';

const TRIES = 100;
const PAUSE_MS = 100;

/**
 * Removes a folder in which a process that was told to end, such as a git gc, may still be at it. (`rmSync` itself tries again to remove
 * the folder alone, and not what has come into it meanwhile.) Throws Node's error after ten seconds.
 */
export function removeFolder(folder: string): void {
  for (let tries = 1; ; tries++) {
    try {
      rmSync(folder, { recursive: true, force: true });
      return;
    } catch (error) {
      if (tries >= TRIES || (error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
