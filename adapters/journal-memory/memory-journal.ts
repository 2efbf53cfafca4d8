import { type Journal, type JournalRecord, KvError } from '../../ports/index.js';

/** What a journal in memory holds, for as long as somebody refers to it: the journals opened on it come and go. */
export class JournalPlace {
  /** Each record as JSON, so that nobody who kept a record can change what was appended. */
  lines: string[] = [];
}

/** Opens the journal that a place holds. A record is in the place when `append` resolves, and gone with the process. */
export function openMemoryJournal(place: JournalPlace): Journal {
  let closed = false;
  const assertOpen = (): void => {
    if (closed) throw new KvError('IO_ERROR', 'the journal in memory is closed', { hint: 'open another' });
  };
  return {
    capabilities: { durable: false },

    async append(record) {
      assertOpen();
      place.lines.push(JSON.stringify(record));
    },

    async *replay() {
      assertOpen();
      // What was there when the replay began: appends and rewrites go on meanwhile.
      for (const line of [...place.lines]) yield JSON.parse(line) as JournalRecord;
    },

    async rewrite(records) {
      assertOpen();
      place.lines = records.map((record) => JSON.stringify(record));
    },

    async close() {
      closed = true;
    },
  };
}
