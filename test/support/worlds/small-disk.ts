import { spawnSync } from 'node:child_process';
import { mkdirSync, openSync, closeSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const MIB = 1024 * 1024;

/** A file system of some megabytes in memory, for a server whose disk is to be full, or read-only. Only who may mount has one. */
export class SmallDisk {
  private constructor(readonly folder: string) {}

  /** Mounts one at a folder, which it makes; null where mounting is not allowed. */
  static mount(folder: string, mib: number): SmallDisk | null {
    mkdirSync(folder, { recursive: true });
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', folder]);
    return status === 0 ? new SmallDisk(folder) : null;
  }

  /** Leaves no room on it. */
  fill(): void {
    const file = openSync(this.ballast, 'w');
    try {
      for (const piece of [Buffer.alloc(MIB), Buffer.alloc(4096)])
        for (;;) {
          try {
            if (writeSync(file, piece) < piece.length) break;
          } catch {
            break; // that was the last of its room
          }
        }
    } finally {
      closeSync(file);
    }
  }

  /** Makes the room again that `fill` has taken. */
  clear(): void {
    rmSync(this.ballast, { force: true });
  }

  /** Makes it read-only, or not any more; false where somebody has a file open for writing, which keeps Linux from it. */
  readOnly(yes: boolean): boolean {
    return spawnSync('mount', ['-o', `remount,${yes ? 'ro' : 'rw'}`, this.folder]).status === 0;
  }

  unmount(): void {
    spawnSync('umount', ['-l', this.folder]);
  }

  private get ballast(): string {
    return join(this.folder, 'ballast');
  }
}
