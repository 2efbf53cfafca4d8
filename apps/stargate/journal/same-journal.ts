import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Profile } from '../../../plugins/host/index.js';
import { KvError } from '../../../ports/error.js';
import { JOURNAL, JOURNAL_PLACES, journalOf, notedJournal } from '../backup/journal.js';

/** The journals that can be moved into each other, by what they are moved to with. */
export const MOVABLE = { file: 'journal-file', sqlite: 'journal-sqlite' } as const;

/** One of them, and where it lies, from the repository's folder; no place: one that was noted before places were. */
export interface JournalInUse {
  readonly adapter: string;
  readonly place?: string;
}

/** Which journal has a repository's records; null when nobody has written any, or in a journal that has no place. */
export async function journalInUse(gitDir: string): Promise<JournalInUse | null> {
  const noted = await notedJournal(gitDir);
  if (noted !== null) return JOURNAL_PLACES[noted.adapter] === undefined ? null : noted.usual ? USUAL : noted;
  // Served by a version that noted nothing, or restored from a backup, which has the usual file.
  return (await isThere(gitDir, JOURNAL.place)) ? USUAL : null;
}

/** Something lies there: what it is, its adapter knows. */
export async function isThere(gitDir: string, place: string): Promise<boolean> {
  return (await lying(gitDir, place)) !== null;
}

/** The file that lies there; null when there is none, or an empty one. */
async function lying(gitDir: string, place: string): Promise<Stats | null> {
  const found = await stat(resolve(gitDir, place)).catch(() => null); // what can't be looked at, opening it will tell
  return found !== null && found.size > 0 ? found : null;
}

/**
 * Whether a profile's journal is the one that the repository was last served with. Another one is empty, or of long ago: what waits for the
 * mirror, and what a crash left open, would be forgotten. Throws `CONFIG_INVALID`.
 */
export async function requireSameJournal(gitDir: string, profile: Profile): Promise<void> {
  const used = await journalInUse(gitDir);
  const { adapter, place } = await journalOf(profile);
  if (used === null || place === undefined) return;
  if (used.adapter !== adapter) {
    const to = adapter === MOVABLE.sqlite ? 'sqlite' : 'file';
    throw new KvError('CONFIG_INVALID', `the journal is kept by ${used.adapter}, and the profile names ${adapter}`, {
      hint: `name ${used.adapter} in the profile, or move the journal: git-kv-stargate journal migrate --to ${to} --repo ${gitDir}`,
    });
  }
  if (used.place === undefined || used.place === place) return;
  const [old, other] = await Promise.all([lying(gitDir, used.place), lying(gitDir, place)]);
  if (old === null) return; // moved by hand, or gone for good
  if (other?.dev === old.dev && other.ino === old.ino) return; // the same file by another path
  // With two, the other may be what a move has emptied: nothing but the note tells which has the records.
  const there = other ? 'another one' : 'none';
  throw new KvError('CONFIG_INVALID', `the journal lies at ${used.place}, and the profile says ${place}, where ${there} is`, {
    hint: `correct the path in the profile; or, while no Stargate runs, move the file${other ? ' that is not to count aside' : ' there'}`,
  });
}

const USUAL: JournalInUse = { adapter: MOVABLE.file, place: JOURNAL.place };
