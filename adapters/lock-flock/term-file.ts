import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KvError } from '../../ports/index.js';

/** Who holds the lock, for people. */
interface HolderNote {
  readonly name: string;
  readonly pid: number;
  readonly term: number;
}

/** The last term granted; 0 when there was none. Throws `IO_ERROR` rather than start again at 1 on a damaged file. */
export async function readTerm(path: string): Promise<number> {
  const text = await readOrNull(path);
  if (text === null) return 0;
  const term = Number(text.trim());
  if (/^\d+\n?$/.test(text) && Number.isSafeInteger(term)) return term;
  throw new KvError('IO_ERROR', `${path}: not a term`, {
    hint: 'write a number into it that is larger than every "term" in the journal',
  });
}

/** The last note; null when there is none that can be read: it is for people only. */
export async function readNote(path: string): Promise<HolderNote | null> {
  const text = await readOrNull(path);
  if (text === null) return null;
  try {
    const note = JSON.parse(text) as Partial<HolderNote> | null;
    if (typeof note?.name !== 'string' || typeof note.pid !== 'number' || typeof note.term !== 'number') return null;
    return { name: note.name, pid: note.pid, term: note.term };
  } catch {
    return null; // half-written by hand; nothing depends on it
  }
}

/** Replaces a small file atomically and durably. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  const file = await open(fresh, 'w', 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
