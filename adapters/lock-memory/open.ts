import { IsNotEmpty, IsOptional, IsString } from 'class-validator';
import type { LeaderLock, OpenAdapter } from '../../ports/index.js';
import { LockPlace, openMemoryLock } from './memory-lock.js';

export { LockPlace, openMemoryLock } from './memory-lock.js';

/**
 * The places that profiles name, for as long as the process lives: a term must never be granted twice. Two compositions of one
 * process share nothing but their modules, and a profile is text: so what they share by a name is found here. Who composes by hand
 * passes a place and needs no name.
 */
const NAMED = new Map<string, LockPlace>();

/** Which lock of this process is meant. */
export class Config {
  /** Openings in one process that name the same place contend for one lease; without a name, each has a lock of its own. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  place?: string;
}

/** Opens a lock in memory, which nobody holds by that. */
export const open: OpenAdapter<Config, LeaderLock> = async ({ place }) => openMemoryLock(placeOf(place));

function placeOf(name: string | undefined): LockPlace {
  const place = (name === undefined ? undefined : NAMED.get(name)) ?? new LockPlace();
  if (name !== undefined) NAMED.set(name, place);
  return place;
}
