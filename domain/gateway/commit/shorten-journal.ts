import type { Journal, JournalRecord } from '../../../ports/stargate/journal.js';
import { readJournal } from './recover.js';

/** A journal shorter than this is left alone. */
const WORTH_IT = 1000;

/**
 * Drops the records that nobody will ask for again: intents that are mirrored or undone, and those that the mirror worker doesn't
 * wait for although an older one waits. Run while no commit can.
 * A `mirrored` record that is appended meanwhile may be lost, which costs one push of what the mirror has already.
 */
export async function shortenJournal(
  journal: Journal,
  isWaiting: (id: string) => boolean,
): Promise<{ before: number; after: number }> {
  const { open, unmirrored, records } = await readJournal(journal);
  if (records < WORTH_IT) return { before: records, after: records };
  const kept: JournalRecord[] = [
    ...unmirrored
      .filter(({ id }) => isWaiting(id))
      .flatMap((intent): JournalRecord[] => [intent, { kind: 'done', id: intent.id }]),
    ...open,
  ];
  await journal.rewrite(kept);
  return { before: records, after: kept.length };
}
