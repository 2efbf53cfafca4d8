import { IsNotEmpty, IsOptional, IsString } from 'class-validator';
import type { GitStore, MirrorTarget, OpenAdapter } from '../../ports/index.js';
import { MemoryHost } from './memory-host.js';
import { openMemoryMirror } from './memory-mirror.js';

export { MemoryHost } from './memory-host.js';
export { type MemoryMirrorOptions, openMemoryMirror } from './memory-mirror.js';

/**
 * The hosts that profiles name, for as long as the process lives. Two compositions of one process share nothing but their modules,
 * and a profile is text: so what they share by a name is found here. Who composes by hand passes a host and needs no name.
 */
const NAMED = new Map<string, MemoryHost>();

/** Which host of this process is meant. */
export class Config {
  /** Openings in one process that name the same host push to it and fetch from it; without a name, each has its own. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  host?: string;
}

/** Opens a mirror in memory: an empty host, or the named one. */
export const open: OpenAdapter<Config, MirrorTarget> = async ({ host: name }, { get }) =>
  openMemoryMirror({
    host: name === undefined ? new MemoryHost() : hostNamed(name),
    store: await get<GitStore>('git-store'),
    label: `memory:${name ?? 'mirror'}`,
  });

/** The host of a name, made by whoever asks first: clients of this process read what is mirrored there. */
export function hostNamed(name: string): MemoryHost {
  const host = NAMED.get(name) ?? new MemoryHost();
  NAMED.set(name, host);
  return host;
}
