import { IsNotEmpty, IsOptional, IsString } from 'class-validator';
import type { GitRemote, GitStore, OpenAdapter } from '../../ports/index.js';
import { openMemoryRemote } from './memory-remote.js';
import { RemotePlace } from './place.js';

export { type MemoryRemoteOptions, openMemoryRemote } from './memory-remote.js';
export {
  type ArrivedStream,
  type IntentSide,
  type ReceivedPush,
  type ReceivingSide,
  RemotePlace,
  type RemoteSide,
} from './place.js';

/**
 * The places that profiles name, for as long as the process lives. Two compositions of one process share nothing but their modules,
 * and a profile is text: so the gateway's and its clients' meet here. Who composes by hand passes a place and needs no name.
 */
const NAMED = new Map<string, RemotePlace>();

/** Which gateway of this process is meant, and who pushes to it. */
export class Config {
  /** Openings in one process that name the same place have the same remote; without a name, a remote leads nowhere. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  place?: string;

  /** Whom the write side takes the clone for. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  as?: string;
}

/** Opens a clone's connection to a gateway and its mirror in this process. */
export const open: OpenAdapter<Config, GitRemote> = async ({ place, as }, { get }) =>
  openMemoryRemote({
    place: place === undefined ? new RemotePlace('nowhere') : placeNamed(place),
    store: await get<GitStore>('git-store'),
    as: as ?? null,
  });

/** The place of a name, made by whoever asks first: there a gateway puts what its clients reach. */
export function placeNamed(name: string): RemotePlace {
  const place = NAMED.get(name) ?? new RemotePlace(name);
  NAMED.set(name, place);
  return place;
}
