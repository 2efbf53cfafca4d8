import type { Repository } from '../../../domain/repo/repository.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import { EventLog } from './events.js';

/** What is known of a repository without opening it. */
export interface RepositoryEntry {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly objectFormat: ObjectFormat;
  readonly memoryOnly: boolean;
}

/** An open repository. */
export interface Held {
  readonly repository: Repository;
  readonly store: GitStore;
}

/** A repository of the pool, whether it is open or not. */
export interface Slot {
  readonly entry: RepositoryEntry;
  readonly events: EventLog;
  held: Promise<Held> | null;
  /** Until what was held before is closed. */
  closing: Promise<void>;
  uses: number;
  usedAt: number;
  /** Set once it is being deleted: called when nobody uses it any more. */
  gone: (() => void) | null;
  deleted: boolean;
}

/** One that is not open, used last at a time; events are counted under a name of their own. */
export const newSlot = (entry: RepositoryEntry, name: string, usedAt: number): Slot => ({
  entry,
  events: new EventLog(name),
  held: null,
  closing: Promise.resolve(),
  uses: 0,
  usedAt,
  gone: null,
  deleted: false,
});

/** Closes what a slot holds. Whoever opens it meanwhile waits for the end: two would move the same refs. */
export async function closeHeld(slot: Slot): Promise<void> {
  if (slot.held === null) return slot.closing;
  const { held } = slot;
  slot.held = null;
  slot.closing = held.then(
    async ({ repository, store }) => {
      await repository.close();
      await store.close();
    },
    () => undefined, // what could not be opened is not to be closed
  );
  await slot.closing;
}
