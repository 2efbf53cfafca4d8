import { join } from 'node:path';
import { checkMembers } from '../../../domain/gateway/replicate/quorum.js';
import { KvError } from '../../../ports/error.js';
import { readKept } from './kept-file.js';

/** Where a repository keeps the names of the servers that it was created for, from its folder. */
export const SERVERS = join('.stargate', 'servers');

/** Stands in a repository that was made when others had it already: what its history begins with is not here. */
export const JOINING = join('.stargate', 'joining');

/** Whether a repository was made when others had it already. */
export const isJoining = async (gitDir: string): Promise<boolean> => (await readKept(join(gitDir, JOINING))) !== null;

/** How they are written. */
export const formatServers = (servers: readonly string[]): string => `${servers.join('\n')}\n`;

/** The servers that a repository was created for, its first members; null where it was created for one alone. Throws `CONFIG_INVALID`, `IO_ERROR`. */
export async function foundersOf(gitDir: string): Promise<readonly string[] | null> {
  const file = join(gitDir, SERVERS);
  const text = await readKept(file);
  if (text === null) return null;
  const servers = text.split('\n').filter((line) => line !== '');
  try {
    checkMembers(servers);
  } catch (cause) {
    throw new KvError('CONFIG_INVALID', `${file} does not hold the names of servers, a line each`, {
      cause,
      hint: 'put back what it was made with: it is the same on all servers',
    });
  }
  return servers;
}
