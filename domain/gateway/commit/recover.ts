import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { IntentRecord, Journal } from '../../../ports/stargate/journal.js';
import { completeUpdates, countMoved } from './commit-refs.js';
import type { RecoveryReport } from '../accept/push.js';

/** The journal, read: intents without an outcome, and intents that are done but not mirrored yet, oldest first. */
interface JournalState {
  readonly open: readonly IntentRecord[];
  /** All intents but those that were undone, as they were appended, as far as the journal goes back. */
  readonly kept: readonly IntentRecord[];
  readonly unmirrored: readonly IntentRecord[];
  readonly records: number;
}

/** What a journal says: the intents without an outcome, and those that the mirror lacks, each in their order. */
export async function readJournal(journal: Journal): Promise<JournalState> {
  const open = new Map<string, IntentRecord>();
  let unmirrored: IntentRecord[] = [];
  const kept = new Map<string, IntentRecord>();
  let records = 0;
  for await (const record of journal.replay()) {
    records++;
    if (record.kind === 'intent') {
      open.set(record.id, record);
      kept.delete(record.id); // an entry may be stored again, in a later attempt
      kept.set(record.id, record);
    } else if (record.kind === 'mirrored') {
      const upTo = unmirrored.findIndex(({ id }) => id === record.id);
      unmirrored = unmirrored.slice(upTo + 1);
    } else {
      const intent = open.get(record.id);
      open.delete(record.id);
      if (record.kind === 'aborted') kept.delete(record.id);
      else if (intent !== undefined) unmirrored.push(intent);
    }
  }
  return { open: [...open.values()], kept: [...kept.values()], unmirrored, records };
}

/**
 * Brings refs and journal to one state after a crash. An intent of which any ref has moved goes forward; one of which none
 * has is rolled back: its client was never told that it landed. Gives the report and what waits for the mirror. Entries of a cluster are
 * left: what becomes of one of them is the cluster's to decide.
 */
export async function recover(
  store: GitStore,
  journal: Journal,
): Promise<{ report: RecoveryReport; unmirrored: IntentRecord[] }> {
  const state = await readJournal(journal);
  const unmirrored = [...state.unmirrored];
  let rolledForward = 0;
  let rolledBack = 0;
  for (const intent of state.open) {
    if (intent.entry !== undefined) continue;
    if ((await countMoved(store, intent.updates)) > 0) {
      await complete(store, intent);
      await journal.append({ kind: 'done', id: intent.id });
      unmirrored.push(intent);
      rolledForward++;
    } else {
      await journal.append({ kind: 'aborted', id: intent.id });
      rolledBack++;
    }
  }
  return { report: { rolledForward, rolledBack }, unmirrored };
}

async function complete(store: GitStore, intent: IntentRecord): Promise<void> {
  try {
    await completeUpdates(store, intent.updates);
  } catch (error) {
    throw new KvError('GIT_ERROR', `intent ${intent.id} of the journal can be neither completed nor undone`, {
      cause: error,
      hint: 'compare the refs with the journal, or restore the repository from its mirror',
    });
  }
}
