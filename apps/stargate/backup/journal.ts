import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readJournal } from '../../../domain/gateway/commit/recover.js';
import { findProfile, type Layer, openProfile, type Profile } from '../../../plugins/host/index.js';
import type { Journal, JournalRecord } from '../../../ports/stargate/journal.js';
import { toKvError } from '../../../ports/error.js';
import { counted } from '../../../ports/grammar/counted.js';
import { ownEnv } from '../process/environment.js';

/** Where the usual journal lies, from the repository's folder, and under which name it stands in a backup. */
export const JOURNAL = { place: join('.stargate', 'journal.ndjson'), name: 'journal.ndjson' } as const;

/** The profile whose journal is that file. */
const USUAL = 'embedded';

/** Which journal a Stargate was last served with. */
export interface ServedJournal {
  /** The profile's name, and its file where it is no built-in one. */
  readonly profile: string;
  /** The adapter's name. */
  readonly adapter: string;
  /** It is the file in the Stargate's own folder. */
  readonly usual: boolean;
  /** Its path, from the repository's folder, where the adapter is one that has a path and no secrets. */
  readonly place?: string;
}

/** Where the adapters that have a path lay the journal when nothing says otherwise. */
export const JOURNAL_PLACES: Readonly<Record<string, string>> = {
  'journal-file': JOURNAL.place,
  'journal-sqlite': join('.stargate', 'journal.sqlite'),
};

function placeOf({ use, config, set = [] }: Layer): string | undefined {
  const usual = JOURNAL_PLACES[use];
  if (usual === undefined) return undefined;
  const path = set.findLast(({ key }) => key.toLowerCase() === 'path')?.text ?? config?.['path'];
  return typeof path === 'string' ? path : usual; // what is no path, opening it will tell
}

/** What a profile says of the journal. */
export async function journalOf(profile: Profile): Promise<ServedJournal> {
  const [choice, usual] = [profile.adapters.journal, (await findProfile(USUAL)).adapters.journal];
  const said = (layer: NonNullable<typeof choice>): string =>
    JSON.stringify([layer.use, placeOf(layer) ?? layer.config ?? {}, layer.wrap.map((one) => [one.use, one.config])]);
  const same = choice !== undefined && usual !== undefined && said(choice) === said(usual);
  const name = profile.file.includes('/') ? `${profile.name} (${profile.file})` : profile.name;
  const place = choice === undefined ? undefined : placeOf(choice);
  return { profile: name, adapter: choice?.use ?? 'none', usual: same, ...(place === undefined ? {} : { place }) };
}

const recordFile = (gitDir: string): string => join(gitDir, '.stargate', 'served.json');

/** Notes which journal a Stargate is served with, durably: a backup, which no profile is named to, and a later start must know. Throws Node's error when the disk fails. */
export async function noteJournal(gitDir: string, profile: Profile): Promise<void> {
  const file = recordFile(gitDir);
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify({ v: 1, ...(await journalOf(profile)) })}\n`, { mode: 0o600, flush: true });
    await rename(temporary, file);
    await syncFolder(dirname(file));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Which journal a repository was last served with; null when nobody has noted it. */
export async function notedJournal(gitDir: string): Promise<ServedJournal | null> {
  try {
    const { profile, adapter, usual, place } = JSON.parse(await readFile(recordFile(gitDir), 'utf8')) as Partial<ServedJournal>;
    if (typeof profile !== 'string' || typeof adapter !== 'string') return null;
    return { profile, adapter, usual: usual === true, ...(typeof place === 'string' ? { place } : {}) };
  } catch {
    return null; // it was never served by this version, or the note is damaged: then the usual place is looked at
  }
}

/** What a backup has of the journal. `file`: it is copied from the usual place; `replayed`: it was read through its port. */
export type JournalKept =
  | { readonly kind: 'file' }
  | { readonly kind: 'replayed'; readonly journal: ServedJournal; readonly records: number }
  | { readonly kind: 'left'; readonly journal: ServedJournal; readonly why: string };

/**
 * Brings the journal into a backup's draft where it isn't the usual file: by the port, as the file that the usual one would be, where
 * its adapter lets another process read. `profile` null: none was named. Never fails for the journal's sake: what is not there is told.
 */
export async function keepJournal(gitDir: string, draft: string, profile: Profile | null): Promise<JournalKept> {
  const journal = profile === null ? await notedJournal(gitDir) : await journalOf(profile);
  if (journal === null || journal.usual) return { kind: 'file' };
  if (profile === null) return { kind: 'left', journal, why: 'no profile was named' };
  try {
    const records = await replayed(gitDir, profile);
    if (records === null) return { kind: 'left', journal, why: 'its adapter does not let another process read it' };
    await writeUsual(draft, records);
    return { kind: 'replayed', journal, records: records.length };
  } catch (thrown) {
    return { kind: 'left', journal, why: toKvError(thrown).message }; // the rest of the backup is worth having all the same
  }
}

async function replayed(gitDir: string, profile: Profile): Promise<JournalRecord[] | null> {
  const composition = await openProfile(profile, { directory: gitDir, env: ownEnv() });
  try {
    const journal = await composition.get<Journal>('journal');
    if (journal.capabilities.readBeside !== true) return null;
    return await recordsOf(journal);
  } finally {
    await composition.close();
  }
}

/** All records of a journal. Throws `JOURNAL_CORRUPT`. */
export async function recordsOf(journal: Journal): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const record of journal.replay()) records.push(record);
  return records;
}

/** What a journal has, for people: how many records, and how many of a write that a crash has left open. Throws `JOURNAL_CORRUPT`. */
export async function contentOf(journal: Journal): Promise<string> {
  const { records, open } = await readJournal(journal);
  return `${counted(records, 'record')}${open.length === 0 ? '' : `, ${open.length} of a write that the start will finish or undo`}`;
}

/** Writes records as the usual journal's file, by its own adapter. */
async function writeUsual(draft: string, records: readonly JournalRecord[]): Promise<void> {
  const place = join(draft, 'journal.tmp');
  const composition = await openProfile(USUAL, { directory: place, env: ownEnv() });
  try {
    await (await composition.get<Journal>('journal')).rewrite(records);
    await rename(join(place, JOURNAL.place), join(draft, JOURNAL.name));
  } finally {
    await composition.close();
    await rm(place, { recursive: true, force: true });
  }
}
