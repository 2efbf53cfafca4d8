import { constants } from 'node:fs';
import { type FileHandle, mkdir, open as openFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { diskErrorCode, isOutOfSpace, KvError, type LeaderLock, type Lease } from '../../ports/index.js';
import { tryFlock } from './flock.js';
import { readNote, readTerm, writeDurably } from './term-file.js';

/** Which file is locked, by a program in which environment. */
export interface FlockLockOptions {
  /** The lock file. Its neighbours `<name>.term` and `<name>.json` hold the last term and the holder's name. */
  readonly path: string;
  /** The environment flock(1) runs in. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** `holder()` of another process takes the lock shared for an instant; a conflict counts when it lasts longer than that. */
const PROBE_MS = 25;

/** A lock by flock(2) on a local file, or on a shared volume whose file system carries flock between hosts. */
export async function openFlockLock({ path, env = process.env }: FlockLockOptions): Promise<LeaderLock> {
  const stem = path.replace(/\.lock$/, '');
  const termPath = `${stem}.term`;
  const notePath = `${stem}.json`;
  const held = new Set<FileHandle>();

  const io = (cause: unknown): KvError =>
    KvError.is(cause)
      ? cause
      : new KvError(diskErrorCode(cause), `${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
          cause,
          hint: isOutOfSpace(cause)
            ? 'free some disk space: the Stargate tries again by itself'
            : 'check that the folder exists and that the Stargate may write there',
        });

  /** The open, locked lock file; null when another holds it. */
  const lock = async (mode: 'exclusive' | 'shared'): Promise<FileHandle | null> => {
    const file = await openFile(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      // Somebody may have replaced the file between our open and our lock; then what we locked is nobody's lock.
      if ((await tryFlock(file, mode, env)) && (await isFileAt(file, path))) return file;
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close();
    return null;
  };

  const lease = (file: FileHandle, term: number): Lease => {
    const loss = new AbortController();
    return {
      term,
      lost: loss.signal,
      async held() {
        if (!held.has(file)) return false;
        const there = await isFileAt(file, path).catch((error: unknown) => {
          if (held.has(file)) throw error;
          return false; // given up meanwhile, and closed under the question
        });
        if (there || !held.has(file)) return there && held.has(file);
        held.delete(file);
        loss.abort();
        await file.close(); // the lock of a file that nobody finds excludes nobody
        return false;
      },
      release: async () => {
        if (held.delete(file)) await file.close();
      },
    };
  };

  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (cause) {
    throw io(cause);
  }

  return {
    capabilities: { multiHost: false },

    async acquire(holder) {
      try {
        let file = await lock('exclusive');
        if (file === null) {
          await delay(PROBE_MS);
          file = await lock('exclusive');
        }
        if (file === null) return null;
        try {
          // The note is a second witness: whoever deletes one of the two files doesn't set the term back.
          const term = Math.max(await readTerm(termPath), (await readNote(notePath))?.term ?? 0) + 1;
          await writeDurably(termPath, `${term}\n`);
          await writeDurably(notePath, `${JSON.stringify({ name: holder, pid: process.pid, term })}\n`);
          held.add(file);
          return lease(file, term);
        } catch (error) {
          await file.close();
          throw error;
        }
      } catch (cause) {
        throw io(cause);
      }
    },

    async holder() {
      try {
        const probe = await lock('shared');
        if (probe !== null) {
          await probe.close();
          return null;
        }
        const note = await readNote(notePath);
        return note === null ? null : { name: note.name, term: note.term };
      } catch (cause) {
        throw io(cause);
      }
    },

    async close() {
      const files = [...held];
      held.clear();
      for (const file of files) await file.close();
    },
  };
}

/** True while the path names the very file that is open. */
async function isFileAt(file: FileHandle, path: string): Promise<boolean> {
  try {
    const [ours, named] = await Promise.all([file.stat({ bigint: true }), stat(path, { bigint: true })]);
    return ours.ino === named.ino && ours.dev === named.dev;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
