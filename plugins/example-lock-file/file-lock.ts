import { mkdir, open, readdir, readFile, rm, stat, truncate, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError, type LeaderLock, type Lease } from '../../ports/index.js';

/** A lease that this process holds, as far as it knows. */
interface Holding {
  readonly timer: NodeJS.Timeout;
  readonly loss: AbortController;
  /** When the file was last touched, milliseconds of this process's own clock, which nobody sets. */
  beaten: number;
  beating: boolean;
}

/** Where the lease files lie, and how long a lease lasts without a beat, milliseconds. */
export interface FileLockOptions {
  readonly folder: string;
  readonly ttlMs: number;
}

/**
 * A lease by exclusive creation: term N belongs to whoever creates `N.lease`. The holder touches its file; when it has
 * not done so for `ttlMs`, anybody may create `N+1.lease`. There is no file to take over and so no race about taking it.
 *
 * Its limits, which are those of every lease without a server:
 * - It trusts clocks. File times are the file server's, `ttlMs` is counted on this machine: keep them within a second.
 * - A holder that is paused (a laptop's lid, a stopped VM) can wake up after its lease ended and still be in the middle
 *   of a commit. `held()` right before the commit makes that window small, and the term lets the journal tell it; only a
 *   store that checks terms itself closes it.
 * - A holder that dies keeps the lock for up to `ttlMs`. flock, on one machine, lets go at once.
 * - Exclusive creation must be atomic: it is on local disks and on NFSv3 and later, it isn't on every network disk.
 */
export async function openFileLock({ folder, ttlMs }: FileLockOptions): Promise<LeaderLock> {
  const holdings = new Map<number, Holding>();
  await io(() => mkdir(folder, { recursive: true }));

  const pathOf = (term: number): string => join(folder, `${term}.lease`);

  /** Lease files by term, the newest first. They are few: each new holder removes the older ones. */
  const terms = async (): Promise<number[]> => {
    const names = await readdir(folder);
    return names
      .flatMap((name) => /^(\d{1,15})\.lease$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);
  };

  /** Whose lease a term is, or null when it has ended: given up (emptied), or not beaten for too long. */
  const nameOf = async (term: number): Promise<string | null> => {
    try {
      const [{ mtimeMs }, text] = await Promise.all([stat(pathOf(term)), readFile(pathOf(term), 'utf8')]);
      return text === '' || Date.now() - mtimeMs > ttlMs ? null : text;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  };

  const stop = (term: number): boolean => {
    clearInterval(holdings.get(term)?.timer);
    return holdings.delete(term);
  };

  /** Ends a lease that its holder hasn't given up. */
  const lose = (term: number): void => {
    const holding = holdings.get(term);
    stop(term);
    holding?.loss.abort();
  };

  const isHeld = async (term: number): Promise<boolean> => (await terms())[0] === term && (await nameOf(term)) !== null;

  const beat = async (term: number, holding: Holding): Promise<void> => {
    // A disk that doesn't answer doesn't say either that the lease has ended: others may have seen it end.
    if (performance.now() - holding.beaten > ttlMs) return lose(term);
    if (holding.beating) return;
    holding.beating = true;
    const [now, started] = [new Date(), performance.now()];
    try {
      // A lease that has ended stays ended, even if nobody has taken the next term yet.
      if (!(await isHeld(term))) return lose(term);
      await utimes(pathOf(term), now, now);
      holding.beaten = started;
    } finally {
      holding.beating = false;
    }
  };

  const hold = (term: number, since: number): Lease => {
    const timer = setInterval(() => {
      beat(term, holding).catch(() => lose(term)); // out of reach is out of the lease
    }, ttlMs / 4);
    timer.unref();
    const holding: Holding = { timer, loss: new AbortController(), beaten: since, beating: false };
    holdings.set(term, holding);
    return {
      term,
      lost: holding.loss.signal,
      held: () =>
        io(async () => {
          if (!holdings.has(term)) return false;
          if (await isHeld(term)) return holdings.has(term);
          lose(term);
          return false;
        }),
      // Emptied and not removed: the next term is counted from the files that are there.
      release: () => io(async () => (stop(term) ? truncateIfThere(pathOf(term)) : undefined)),
    };
  };

  return {
    capabilities: { multiHost: true },

    acquire: (holder) =>
      io(async () => {
        const last = (await terms())[0] ?? 0;
        if (last > 0 && (await nameOf(last)) !== null) return null;
        const term = last + 1;
        const since = performance.now();
        if (!(await created(pathOf(term), holder || '-'))) return null;
        // Somebody slower than a whole lease may have found an old list: a larger term has won then.
        if ((await terms())[0] !== term) {
          await rm(pathOf(term), { force: true });
          return null;
        }
        for (const old of await terms()) if (old < term) await rm(pathOf(old), { force: true });
        return hold(term, since);
      }),

    holder: () =>
      io(async () => {
        const term = (await terms())[0];
        const name = term === undefined ? null : await nameOf(term);
        return term === undefined || name === null ? null : { name, term };
      }),

    close: () =>
      io(async () => {
        for (const term of [...holdings.keys()]) if (stop(term)) await truncateIfThere(pathOf(term));
      }),
  };
}

/** Creates a file that must not exist, durably; false when it does. */
async function created(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function truncateIfThere(path: string): Promise<void> {
  try {
    await truncate(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** What goes wrong with the folder is the port's `IO_ERROR`. */
async function io<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new KvError('IO_ERROR', `the lease folder cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      hint: 'check that the volume is mounted and that the Stargate may write there',
    });
  }
}
