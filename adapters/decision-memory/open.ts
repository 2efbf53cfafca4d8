import { IsNotEmpty, IsOptional, IsString } from 'class-validator';
import type { DecisionLog, OpenAdapter } from '../../ports/index.js';
import { DecisionPlace, openMemoryDecisions } from './memory-decisions.js';

export { DecisionPlace, openMemoryDecisions } from './memory-decisions.js';

/**
 * The places that profiles name, for as long as the process lives. Two compositions of one process share nothing but their modules,
 * and a profile is text: so what they share by a name is found here. Who composes by hand passes a place and needs no name.
 */
const NAMED = new Map<string, DecisionPlace>();

/** Which decision log of this process is meant. */
export class Config {
  /** Openings in one process that name the same place have one log; without a name, each has its own. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  place?: string;
}

/** Opens a decision log in memory: an empty one, or the named place's. */
export const open: OpenAdapter<Config, DecisionLog> = async ({ place }) => openMemoryDecisions(placeOf(place));

function placeOf(name: string | undefined): DecisionPlace {
  const place = (name === undefined ? undefined : NAMED.get(name)) ?? new DecisionPlace();
  if (name !== undefined) NAMED.set(name, place);
  return place;
}
