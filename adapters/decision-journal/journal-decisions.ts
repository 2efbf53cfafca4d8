import { constants } from 'node:fs';
import { link, mkdir, open as openFile, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Decision, type DecisionLog, diskErrorCode, isOutOfSpace, KvError, type RecordedHead } from '../../ports/index.js';
import { type DecisionRecord, decodeDecision, encodeDecision, folderName } from './record.js';

/** A decision's file is named after its number, so that the names sort as the numbers do. */
const DIGITS = 16;
/** How often a look is repeated that met a file which was superseded meanwhile. */
const LOOKS = 50;

/** Where the decisions lie. */
export interface JournalDecisionsOptions {
  readonly folder: string;
}

/** Names the files that are being written, so that no two of a process are the same. */
let written = 0;

/**
 * A decision log in a folder of one host: a file a decision, which is written aside, synced, and then linked under the next number.
 * link(2) fails where that number is taken, so that of two processes one decides, even when neither knows of the other.
 */
export async function openJournalDecisions({ folder }: JournalDecisionsOptions): Promise<DecisionLog> {
  let closed = false;
  const io = (what: string, cause: unknown): KvError =>
    KvError.is(cause)
      ? cause
      : new KvError(diskErrorCode(cause), `${folder}: ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, {
          cause,
          hint: isOutOfSpace(cause)
            ? 'free some disk space: the Stargate tries again by itself'
            : 'check the disk of the decision log',
        });
  const assertOpen = (): void => {
    if (closed) throw new KvError('IO_ERROR', `${folder}: the decision log is closed`, { hint: 'open it again' });
  };

  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw io('cannot make the folder', cause);
  }

  const newest = async (repository: string): Promise<{ readonly number: number; readonly record: DecisionRecord }> => {
    const path = join(folder, folderName(repository));
    for (let looks = 1; ; looks++) {
      const number = await newestNumber(path);
      if (number === 0) return { number, record: { head: null } };
      const file = join(path, fileName(number));
      try {
        return { number, record: decodeDecision(await readFile(file), file) };
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || looks === LOOKS) throw error;
      }
    }
  };

  /** Puts a record behind the one that must be the newest; gives its number. */
  const put = async (repository: string, after: string | null, record: DecisionRecord): Promise<string> => {
    assertOpen();
    const conflict = (): KvError =>
      new KvError('CAS_CONFLICT', `the head of ${repository} has moved`, { details: { repository } });
    let linked = false;
    try {
      const found = await newest(repository);
      const revision = found.record.head === null ? null : String(found.number);
      if (revision !== after) throw conflict();
      const { head } = found.record;
      if (head !== null && record.head !== null && record.head.term < head.term)
        throw new KvError('NOT_LEADER', `term ${head.term} has begun, and term ${record.head.term} is over`);
      const path = join(folder, folderName(repository));
      await mkdir(path, { recursive: true, mode: 0o700 });
      if (found.number === 0) await syncFolder(folder);
      const number = found.number + 1;
      const aside = join(path, `new-${process.pid}-${++written}`);
      await writeSynced(aside, encodeDecision(record));
      await link(aside, join(path, fileName(number))).catch((error: unknown) => {
        // Taken, or swept by whoever has decided since: in both cases another decision is the newest.
        throw codeOf(error) === 'EEXIST' || codeOf(error) === 'ENOENT' ? conflict() : error;
      });
      linked = true;
      await syncFolder(path);
      // Either this decision was built on since, or its number was free because it was superseded and swept before: nobody can tell here.
      if ((await newestNumber(path)) !== number)
        throw new KvError('IO_ERROR', `another decision about ${repository} was made at the same time`, {
          hint: 'read the head',
        });
      await sweep(path, number);
      return String(number);
    } catch (cause) {
      const error = io('cannot decide', cause);
      // Behind the link nobody can say that nothing was decided.
      throw linked && error.code === 'STORAGE_FULL' ? new KvError('IO_ERROR', error.message, { cause: error }) : error;
    }
  };

  return {
    capabilities: { shared: false, fenced: false, durable: true },

    async read(repository): Promise<RecordedHead | null> {
      assertOpen();
      const { number, record } = await newest(repository).catch((cause: unknown) => {
        throw io('cannot read the head', cause);
      });
      return record.head === null ? null : { head: record.head, revision: String(number) };
    },

    decide: (repository, { head, after }: Decision) => put(repository, after, { head }),

    async remove(repository, after) {
      await put(repository, after, { head: null }); // it stays as a number, so that no revision is given twice
    },

    async close() {
      closed = true;
    },
  };
}

const fileName = (number: number): string => `${String(number).padStart(DIGITS, '0')}.json`;

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

/** The highest number in a repository's folder; 0 where there is none. */
async function newestNumber(path: string): Promise<number> {
  const names = await readdir(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  let newest = 0;
  for (const name of names) if (/^\d{16}\.json$/.test(name)) newest = Math.max(newest, Number.parseInt(name, 10));
  return newest;
}

/** Removes what is superseded, and what others have left aside: their decisions come too late now. */
async function sweep(path: string, number: number): Promise<void> {
  const current = fileName(number);
  const superseded = (await readdir(path)).filter((name) => name < current || name.startsWith('new-'));
  await Promise.all(superseded.map((name) => rm(join(path, name), { force: true }))).catch(
    () => undefined, // the next decision sweeps again
  );
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  const file = await openFile(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await openFile(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
