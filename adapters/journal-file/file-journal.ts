import { constants } from 'node:fs';
import { type FileHandle, mkdir, open as openFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskErrorCode, isOutOfSpace, type Journal, type JournalRecord, KvError } from '../../ports/index.js';
import { checkHeader, encodeRecord, HEADER } from './line.js';
import { scan } from './scan.js';

/** Where a journal lies, and how it is made durable. */
export interface FileJournalOptions {
  readonly path: string;
  /** Makes what was written durable; fdatasync. A test replaces it to see a disk fail. */
  readonly sync?: (file: FileHandle) => Promise<void>;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly sync: boolean;
  readonly done: () => void;
  readonly failed: (error: KvError) => void;
}

/** Opens the journal file, or makes it. Throws `FORMAT_UNSUPPORTED`, `JOURNAL_CORRUPT` (no journal at all), `IO_ERROR`, `STORAGE_FULL`. */
export async function openFileJournal(options: FileJournalOptions): Promise<Journal> {
  const { path, sync = (file: FileHandle) => file.datasync() } = options;
  const io = (what: string, cause: unknown): KvError =>
    KvError.is(cause)
      ? cause
      : new KvError(diskErrorCode(cause), `${path}: ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, {
          cause,
          hint: isOutOfSpace(cause)
            ? 'free some disk space: the journal goes on by itself'
            : 'check the disk, then restart the Stargate: it recovers from the journal',
        });

  let file: FileHandle;
  try {
    file = await openOrCreate(path);
  } catch (cause) {
    throw io('cannot open the journal', cause);
  }

  // Where the last good record ends; null until a scan has found out.
  let end: number | null = null;
  // Where the last record ends that a sync has made durable.
  let durable: number | null = null;
  // What was taken since, unsynced.
  let unsynced: Buffer[] = [];
  let poison: KvError | null = null;
  let closed = false;
  let waiting: Waiting[] = [];
  let tail: Promise<void> = Promise.resolve();

  /** Runs one step after the other: writes, cuts and rewrites never overlap. */
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const result = tail.then(step);
    tail = result.then(
      () => undefined,
      () => undefined, // whoever asked for the step has the error
    );
    return result;
  };

  const assertUsable = (): void => {
    if (closed) throw new KvError('IO_ERROR', `${path}: the journal is closed`);
    if (poison !== null) throw poison;
  };

  const findEnd = async (): Promise<number> => {
    const { size } = await file.stat();
    let last = HEADER.length;
    for await (const scanned of scan(file, path, size)) last = scanned.end;
    // The torn tail goes before anything is written behind it, or it would become a damaged middle.
    if (last < size) await file.truncate(last);
    synced(last);
    return last;
  };

  const synced = (at: number): void => {
    end = at;
    durable = at;
    unsynced = [];
  };

  /**
   * Once there was no room, and only then: cuts off all that was written since the last sync, so that what the disk has made of it
   * no longer matters, and writes what was taken of it anew. Fails while there is no room.
   */
  const mend = async (): Promise<void> => {
    if (poison?.code !== 'STORAGE_FULL' || durable === null || closed) return;
    try {
      await file.truncate(durable);
      await writeAll(file, Buffer.concat(unsynced), durable);
      await sync(file);
    } catch (cause) {
      throw io('cannot go on', cause);
    }
    synced(durable + Buffer.concat(unsynced).length);
    poison = null;
  };

  const writeBatch = async (): Promise<void> => {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    try {
      await mend();
      assertUsable();
      end ??= await findEnd();
      const bytes = Buffer.concat(batch.map((one) => one.bytes));
      try {
        await writeAll(file, bytes, end);
        if (batch.some((one) => one.sync)) await sync(file);
      } catch (cause) {
        // After a failed write or fsync nobody knows what the disk holds: only a new scan can tell, or `mend`.
        poison = io('cannot write', cause);
        throw poison;
      }
      end += bytes.length;
      if (batch.some((one) => one.sync)) synced(end);
      else unsynced.push(bytes);
      for (const one of batch) one.done();
    } catch (cause) {
      for (const one of batch) one.failed(io('cannot append', cause));
    }
  };

  return {
    capabilities: { durable: true, readBeside: true },

    append(record, { sync: wanted = true } = {}) {
      return new Promise<void>((done, failed) => {
        waiting.push({ bytes: encodeRecord(record), sync: wanted, done, failed });
        // All that wait when the disk is free go out in one write and one fsync.
        if (waiting.length === 1) void inTurn(writeBatch);
      });
    },

    async *replay() {
      const size = await inTurn(async () => {
        await mend();
        assertUsable();
        return end ?? (await file.stat()).size;
      });
      for await (const { record } of scan(file, path, size)) yield record;
    },

    rewrite(records) {
      return inTurn(async () => {
        await mend();
        assertUsable();
        try {
          const next = await replaceFile(path, records);
          await file.close();
          file = next.file;
          synced(next.size);
        } catch (cause) {
          const error = io('cannot rewrite the journal', cause);
          // Failed behind the rename: appends to the old, now nameless file would be lost.
          if (!(await isFileAt(file, path))) poison = error;
          throw error;
        }
      });
    },

    close() {
      return inTurn(async () => {
        if (closed) return;
        closed = true;
        await file.close();
      });
    },
  };
}

async function openOrCreate(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true });
  const file = await openFile(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  const { size } = await file.stat();
  if (size === 0) {
    await file.close();
    return (await replaceFile(path, [])).file;
  }
  try {
    const start = Buffer.alloc(Math.min(size, HEADER.length));
    await file.read(start, 0, start.length, 0);
    checkHeader(start.toString('utf8'), path);
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}

/** Puts a new file in the old one's place: after a crash either the old or the new is there, whole. */
async function replaceFile(path: string, records: readonly JournalRecord[]): Promise<{ file: FileHandle; size: number }> {
  const fresh = `${path}.new`;
  const file = await openFile(fresh, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600);
  try {
    const bytes = Buffer.concat([Buffer.from(HEADER), ...records.map(encodeRecord)]);
    await writeAll(file, bytes, 0);
    await file.sync();
    await rename(fresh, path);
    await syncFolder(dirname(path));
    return { file, size: bytes.length };
  } catch (error) {
    await file.close();
    await rm(fresh, { force: true }); // there may be no room for it
    throw error;
  }
}

async function isFileAt(file: FileHandle, path: string): Promise<boolean> {
  try {
    const [held, named] = [await file.stat({ bigint: true }), await stat(path, { bigint: true })];
    return held.ino === named.ino && held.dev === named.dev;
  } catch {
    return false; // what can't be looked at can't be trusted either
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await openFile(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
