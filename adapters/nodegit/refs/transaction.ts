import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KvError } from '../../../ports/error.js';
import type { RefName, RefUpdate } from '../../../ports/vocabulary.js';
import type { LibraryRepository, LibraryTransaction, Nodegit } from '../library/binding.js';
import { CODE } from '../library/failure.js';
import { syncDirectory } from '../objects/durable-file.js';
import { PACKED_REFS_LOCK, type PackedRefsLock, takeOutOfPacked } from './packed-refs.js';
import { checkRoom } from './room.js';
import type { Refs } from './refs.js';

/** A lock that another process holds is gone in milliseconds; git waits for it too (core.filesRefLockTimeout). */
const TRIES = 8;
const FIRST_PAUSE_MS = 5;
const LAST_PAUSE_MS = 100;

/** A ref that libgit2 would not lock or move, and the number that it gave. */
interface Refusal {
  readonly ref: RefName;
  readonly code: number;
  /** The refs that had moved already, and could not be moved back. */
  readonly half: readonly RefName[];
}

/**
 * Moves refs through libgit2: locks all of them, compares them, and moves them one after the other. Each has a transaction of its own,
 * because a libgit2 transaction that fails in the middle holds the rest of its locks until the garbage collector comes by. libgit2 writes
 * a ref only when it moves it, so a disk that fails in between is met with some of them moved: these are moved back.
 */
export class RefTransactions {
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly nodegit: Nodegit,
    private readonly repository: LibraryRepository,
    private readonly refs: Refs,
    private readonly commonDir: string,
  ) {}

  /** All or none, in the order that they were asked for. Throws as the port has it. */
  apply(updates: readonly RefUpdate[], reason: string): Promise<void> {
    if (updates.length === 0) return Promise.resolve();
    // In one order everywhere, so that two that want the same refs don't stop each other.
    const sorted = [...updates].sort((a, b) => (a.ref < b.ref ? -1 : 1));
    const message = reason.replace(/\s+/g, ' ').trim() || 'git-kv';
    const result = this.turn.then(() => this.unlessLocked(sorted, message));
    // The next one waits for this one, whatever becomes of it; this one's caller hears the outcome.
    this.turn = result.catch(() => undefined);
    return result;
  }

  /** Resolves when what was asked for is over. */
  async close(): Promise<void> {
    await this.turn;
  }

  /** Again when another process had a lock, as far as that goes. */
  private async unlessLocked(updates: readonly RefUpdate[], message: string): Promise<void> {
    await checkRoom(updates, this.refs);
    for (let tries = 1; ; tries++) {
      const refused = await this.transact(updates, message);
      if (refused === null) break;
      if (refused.code !== CODE.LOCKED || refused.half.length > 0 || tries === TRIES) throw await this.failed(refused, updates);
      const longest = Math.min(FIRST_PAUSE_MS * 2 ** tries, LAST_PAUSE_MS);
      await sleep(longest * (0.5 + Math.random() / 2)); // two that met must not meet again
    }
    await this.syncFolders(updates.filter(({ old, next }) => old !== next && (old === null || next === null)));
  }

  private async transact(updates: readonly RefUpdate[], message: string): Promise<Refusal | null> {
    const locks: LibraryTransaction[] = [];
    for (const { ref } of updates) {
      const lock = await this.nodegit.Transaction.create(this.repository);
      const code = lock.lockRef(ref);
      if (code === 0) locks.push(lock);
      else unlock(locks);
      if (code !== 0) return { ref, code, half: [] };
    }
    try {
      for (const { ref, old } of updates) if ((await this.refs.at(ref)) !== old) throw moved(ref);
    } catch (error) {
      unlock(locks);
      throw error;
    }
    return this.moveAll(updates, locks, message);
  }

  private async moveAll(
    updates: readonly RefUpdate[],
    locks: readonly LibraryTransaction[],
    message: string,
  ): Promise<Refusal | null> {
    const deleted = updates.flatMap(({ ref, old, next }) => (next === null && old !== null ? [ref] : []));
    let packed: PackedRefsLock | null = null;
    if (deleted.length > 0) {
      try {
        packed = await takeOutOfPacked(this.commonDir, new Set(deleted));
      } catch (error) {
        unlock(locks);
        throw error;
      }
      if (packed === null) unlock(locks);
      if (packed === null) return { ref: deleted[0] as RefName, code: CODE.LOCKED, half: [] };
    }
    try {
      for (const [at, update] of updates.entries()) {
        const code = this.move(locks[at] as LibraryTransaction, update, message);
        if (code === 0) continue;
        unlock(locks.slice(at + 1));
        return { ref: update.ref, code, half: await this.moveBack(updates, message) };
      }
      return null;
    } finally {
      await packed?.release();
    }
  }

  /** libgit2's code; the lock is let go of in any case. */
  private move(lock: LibraryTransaction, { ref, old, next }: RefUpdate, message: string): number {
    if (old === next) return lock.commit();
    const who = this.nodegit.Signature.create('git-kv', 'git-kv@localhost', Math.floor(Date.now() / 1000), 0);
    const code = next === null ? lock.remove(ref) : lock.setTarget(ref, next, who, message);
    const committed = lock.commit();
    return code === 0 ? committed : code;
  }

  /** Undoes moves, as far as the disk lets it; gives the refs that stay where they are not wanted. */
  private async moveBack(updates: readonly RefUpdate[], message: string): Promise<RefName[]> {
    const left: RefName[] = [];
    for (const { ref, old, next } of updates) {
      if (old === next || (await this.refs.at(ref)) === old) continue;
      const lock = await this.nodegit.Transaction.create(this.repository);
      const back: RefUpdate = { ref, old: next, next: old };
      if (lock.lockRef(ref) !== 0 || this.move(lock, back, `undo: ${message}`) !== 0) left.push(ref);
    }
    return left;
  }

  /** libgit2 syncs the folder that it writes a ref in; not one that it makes for it, nor one that it takes a ref from. */
  private async syncFolders(updates: readonly RefUpdate[]): Promise<void> {
    const folders = new Set<string>();
    for (const { ref } of updates) {
      for (let name = dirname(ref); name !== '.'; name = dirname(name)) folders.add(join(this.commonDir, name));
    }
    await Promise.all([...folders].map(syncDirectory));
  }

  /** nodegit gives a number and no words: the disk tells whether it is full. */
  private async failed({ ref, code, half }: Refusal, updates: readonly RefUpdate[]): Promise<KvError> {
    if (half.length > 0) {
      const names = half.map((name) => `'${name}'`).join(', ');
      return new KvError('GIT_ERROR', `cannot move '${ref}' (libgit2 gives the code ${code}), and ${names} had moved already`, {
        hint: "look after the repository's disk and permissions, and move these refs back by hand",
        details: { ref, moved: half },
      });
    }
    if (code === CODE.LOCKED) return locked(ref, this.commonDir, updates.find((update) => update.ref === ref)?.next === null);
    const room = await statfs(this.commonDir).catch(() => null); // then it is something else
    if (room?.bavail === 0) {
      const what = `cannot move '${ref}': no space left on the disk`;
      return new KvError('STORAGE_FULL', what, { hint: 'free some disk space and try again' });
    }
    return new KvError('GIT_ERROR', `cannot move '${ref}': libgit2 gives the code ${code}`, {
      hint: "check the permissions of the repository's folder",
      details: { ref },
    });
  }
}

/** A transaction that was told nothing lets go of its lock when it is committed. */
function unlock(locks: readonly LibraryTransaction[]): void {
  for (const lock of locks) lock.commit();
}

function moved(ref: RefName): KvError {
  return new KvError('CAS_CONFLICT', `'${ref}' is not where this change was built on`, {
    hint: 'read the newest state and try again',
    details: { ref },
  });
}

function locked(ref: RefName, commonDir: string, deleted: boolean): KvError {
  // To delete a ref takes the lock of the packed ones as well.
  const locks = [`${ref}.lock`, ...(deleted ? [PACKED_REFS_LOCK] : [])].map((name) => join(commonDir, name));
  const removal = `rm -f ${locks.map((lock) => `'${lock.replaceAll("'", "'\\''")}'`).join(' ')}`;
  return new KvError('CAS_CONFLICT', `'${ref}' is locked by another process`, {
    hint: `read the newest state and try again; if no git process is running, a crash has left it: ${removal}`,
    details: { ref, lock: locks[0] },
  });
}
