import { isDeepStrictEqual } from 'node:util';
import { KvError } from '../../../ports/error.js';
import type { Journal } from '../../../ports/stargate/journal.js';
import { recordsOf } from '../backup/journal.js';

/** A journal, and the name of its adapter. */
interface Side {
  readonly adapter: string;
  readonly journal: Journal;
}

interface Migration {
  readonly from: Side;
  readonly to: Side;
  /** The target holds nothing that counts: what it has is left from long ago, or from a migration that was ended. */
  readonly replace: boolean;
  /** Makes it known, durably, that the target is the journal from now on: before it only the source counts, after it only the target. */
  readonly commit: () => Promise<void>;
  /** Told of each step that is done. */
  readonly reached: (step: 'read' | 'written' | 'read-back' | 'committed' | 'emptied') => void;
}

/**
 * Moves all records of a journal that nobody writes to meanwhile into another one; gives how many. Ended at any moment, everything is in the
 * one that counts, and it can be done again. Throws `CONFIG_INVALID` when the target has records of its own, and what the journals throw.
 */
export async function migrateJournal({ from, to, replace, commit, reached }: Migration): Promise<number> {
  const records = await recordsOf(from.journal);
  reached('read');
  const there = await recordsOf(to.journal);
  if (!replace && there.length > 0 && !isDeepStrictEqual(there, records)) {
    throw new KvError('CONFIG_INVALID', `${to.adapter} has ${there.length} records of its own, which nobody knows of`, {
      hint: 'move its file aside once you know where they come from',
    });
  }
  await to.journal.rewrite(records);
  reached('written');
  if (!isDeepStrictEqual(await recordsOf(to.journal), records)) {
    throw new KvError('IO_ERROR', `${to.adapter} does not give back what was written to it`, { hint: 'check the disk' });
  }
  reached('read-back');
  await commit();
  reached('committed');
  await from.journal.rewrite([]); // so that nobody takes it for the journal, a backup for instance
  reached('emptied');
  return records.length;
}
