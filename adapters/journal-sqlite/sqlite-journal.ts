import { crc32 } from 'node:zlib';
import { type Journal, type JournalRecord, KvError } from '../../ports/index.js';
import { openDatabase } from './database.js';
import { journalError, newer } from './faults.js';
import type { Database, Sqlite } from './load.js';

/** Where a journal lies, and what opens it. */
export interface SqliteJournalOptions {
  readonly path: string;
  readonly sqlite: Sqlite;
}

interface Waiting {
  readonly json: string;
  readonly sync: boolean;
  readonly done: () => void;
  readonly failed: (error: KvError) => void;
}

const KINDS: ReadonlySet<unknown> = new Set(['intent', 'done', 'aborted', 'mirrored']);

/**
 * Opens a journal that is a table of a SQLite database, or makes it. A record is a row, with a number that has no gap before it and a
 * checksum. Appends that wait at the same time share a transaction, and so a sync. SQLite runs in this thread, so that everything waits
 * while the disk syncs. Throws as `openDatabase`.
 */
export function openSqliteJournal({ path, sqlite }: SqliteJournalOptions): Journal {
  const database = openDatabase(path, sqlite, { checked: true });
  const fail = (what: string, cause: unknown): KvError => journalError(path, what, cause);
  const newest = database.prepare('SELECT coalesce(max(number), 0) AS number FROM record');
  const insert = database.prepare('INSERT INTO record (number, sum, json) VALUES (?, ?, ?)');
  const empty = database.prepare('DELETE FROM record');
  const readNewest = (): number => (newest.get() as { readonly number: number }).number; // by the statement above

  let last = readNewest();
  let synchronous: 'FULL' | 'NORMAL' | undefined;
  let poison: KvError | null = null;
  let closed = false;
  let waiting: Waiting[] = [];

  const assertUsable = (): void => {
    if (closed) throw new KvError('IO_ERROR', `${path}: the journal is closed`, { hint: 'open it again' });
    if (poison !== null) throw poison;
  };

  /** All of it or nothing. Synced, it makes durable what was written before it too. */
  const transact = (sync: boolean, step: () => number): void => {
    assertUsable();
    const wanted = sync ? 'FULL' : 'NORMAL'; // which syncs before a checkpoint only
    if (synchronous !== wanted) database.pragma(`synchronous = ${wanted}`, { simple: true });
    synchronous = wanted;
    try {
      database.exec('BEGIN IMMEDIATE');
      const end = step();
      database.exec('COMMIT');
      last = end;
    } catch (cause) {
      const error = fail('cannot write', cause);
      rollBack(database);
      // Nobody knows then what the disk holds: only reading it anew can tell. Want of room is another thing, it leaves nothing behind.
      if (error.code === 'IO_ERROR') poison = error;
      throw error;
    }
  };

  const put = (from: number, jsons: readonly string[]): number => {
    for (const [i, json] of jsons.entries()) insert.run(from + i, crc32(`${from + i} ${json}`), json);
    return from + jsons.length - 1;
  };

  const flush = (): void => {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    try {
      transact(
        batch.some(({ sync }) => sync),
        () => {
          if (readNewest() !== last) throw new KvError('IO_ERROR', `${path}: another process has written here`, { hint: OTHER });
          return put(
            last + 1,
            batch.map(({ json }) => json),
          );
        },
      );
      for (const { done } of batch) done();
    } catch (cause) {
      for (const { failed } of batch) failed(fail('cannot append', cause));
    }
  };

  return {
    capabilities: { durable: true, readBeside: true },

    append(record, { sync = true } = {}) {
      return new Promise<void>((done, failed) => {
        waiting.push({ json: JSON.stringify(record), sync, done, failed });
        if (waiting.length === 1) setImmediate(flush);
      });
    },

    async *replay() {
      flush();
      assertUsable();
      yield* rows(path, sqlite, fail);
    },

    async rewrite(records) {
      flush();
      const jsons = records.map((record) => JSON.stringify(record));
      transact(true, () => {
        empty.run();
        return put(1, jsons);
      });
    },

    async close() {
      if (closed) return;
      flush();
      closed = true;
      database.close();
    },
  };
}

const OTHER = 'see to it that one Stargate leads: do all of them name the same leader-lock?';

/** The records of one moment, whatever is written meanwhile: a reader's transaction on a connection of its own. */
function* rows(path: string, sqlite: Sqlite, fail: (what: string, cause: unknown) => KvError): Iterable<JournalRecord> {
  const reader = openDatabase(path, sqlite, { checked: false });
  try {
    let expected = 1;
    for (const row of reader.prepare('SELECT number, sum, json FROM record ORDER BY number').iterate()) {
      const { number, sum, json } = row as { readonly number: number; readonly sum: number; readonly json: string }; // STRICT
      if (number !== expected) throw damaged(path, expected, 'is missing');
      if (crc32(`${number} ${json}`) !== sum) throw damaged(path, number, 'does not match its checksum');
      expected += 1;
      const record = JSON.parse(json) as JournalRecord; // as it was appended: the checksum says so
      if (!KINDS.has(record.kind)) throw newer(path, `record ${number} is of kind '${String(record.kind)}'`);
      yield record;
    }
  } catch (cause) {
    throw fail('cannot read', cause);
  } finally {
    reader.close();
  }
}

function damaged(path: string, number: number, what: string): KvError {
  return new KvError('JOURNAL_CORRUPT', `${path}: record ${number} ${what}`, {
    hint: 'stop the Stargate, keep a copy of the file, and restore the journal from a backup',
    details: { file: path, record: number },
  });
}

function rollBack(database: Database): void {
  try {
    if (database.inTransaction) database.exec('ROLLBACK');
  } catch {
    // What made the transaction fail has ended it, or is told already; the next one is refused or begins anew.
  }
}
