import { IsNotEmpty, IsOptional, IsString } from 'class-validator';
import type { Journal, OpenAdapter } from '../../ports/index.js';
import { JournalPlace, openMemoryJournal } from './memory-journal.js';

export { JournalPlace, openMemoryJournal } from './memory-journal.js';

/**
 * The places that profiles name, for as long as the process lives. Two compositions of one process share nothing but their modules,
 * and a profile is text: so what they share by a name is found here. Who composes by hand passes a place and needs no name.
 */
const NAMED = new Map<string, JournalPlace>();

/** Which journal of this process is meant. */
export class Config {
  /** Openings in one process that name the same place have one journal; without a name, each has its own. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  place?: string;
}

/** Opens a journal in memory: an empty one, or the named place's. */
export const open: OpenAdapter<Config, Journal> = async ({ place }) => openMemoryJournal(placeOf(place));

function placeOf(name: string | undefined): JournalPlace {
  const place = (name === undefined ? undefined : NAMED.get(name)) ?? new JournalPlace();
  if (name !== undefined) NAMED.set(name, place);
  return place;
}
