import { IsNotEmpty, IsOptional, IsString } from 'class-validator';
import type { OpenAdapter, PeerTransport } from '../../ports/index.js';
import { openMemoryPeers } from './memory-peers.js';
import { PeerPlace } from './place.js';

export { type MemoryPeersOptions, openMemoryPeers } from './memory-peers.js';
export { PeerPlace, type PlacedServer, type Weather } from './place.js';

/** The places that profiles name, for as long as the process lives: so the servers of one process meet. */
const NAMED = new Map<string, PeerPlace>();

/** Which cluster of this process is meant, and who this server is. */
export class Config {
  /** This server's name. */
  @IsString()
  @IsNotEmpty()
  self!: string;

  /** Openings in one process that name the same place reach each other; without a name, nobody can be reached. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  place?: string;
}

/** Opens a server's connection to the others of this process. */
export const open: OpenAdapter<Config, PeerTransport> = async ({ self, place }) =>
  openMemoryPeers({ self, place: placeOf(place) });

function placeOf(name: string | undefined): PeerPlace {
  const place = (name === undefined ? undefined : NAMED.get(name)) ?? new PeerPlace();
  if (name !== undefined) NAMED.set(name, place);
  return place;
}
