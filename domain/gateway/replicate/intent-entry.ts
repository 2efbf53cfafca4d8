import type { IntentRecord } from '../../../ports/stargate/journal.js';
import type { Entry, Position } from './entry.js';

/** The record of an entry in the journal. */
export function intentOf(entry: Entry, ts: string): IntentRecord {
  const { id, term, updates, events, sequence, attempt, before, after, members } = entry;
  return { kind: 'intent', id, term, ts, updates, events, entry: { sequence, attempt, before, after, members } };
}

/** The entry that a record of the journal is; null for an intent of a Stargate without a cluster. */
export function entryOf({ id, term, updates, events, entry }: IntentRecord): Entry | null {
  return entry === undefined ? null : { id, term, updates, events, ...entry };
}

/** Of the entries in a journal, those that follow a position without a gap, oldest first; of several at one place, the one that was written last. */
export function chainFrom({ sequence, digest }: Position, entries: readonly Entry[]): readonly Entry[] {
  const last = new Map(entries.map((entry) => [`${entry.sequence} ${entry.before}`, entry]));
  const chain: Entry[] = [];
  for (
    let next = last.get(`${sequence + 1} ${digest}`);
    next !== undefined;
    next = last.get(`${next.sequence + 1} ${next.after}`)
  )
    chain.push(next);
  return chain;
}

/** Of the entries in a journal, those that lead to a position without a gap, oldest first. */
export function chainTo({ sequence, digest }: Position, entries: readonly Entry[]): readonly Entry[] {
  const chain: Entry[] = [];
  let at = { sequence, digest };
  for (const entry of [...entries].reverse()) {
    if (entry.sequence !== at.sequence || entry.after !== at.digest) continue;
    chain.unshift(entry);
    at = { sequence: entry.sequence - 1, digest: entry.before };
  }
  return chain;
}
