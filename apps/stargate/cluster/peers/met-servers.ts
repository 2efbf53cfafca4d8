import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toKvError } from '../../../../ports/error.js';
import type { PeerTransport } from '../../../../ports/stargate/peer-transport.js';
import type { Log } from '../../log/log.js';
import { readKept, writeKept } from '../../repository/kept-file.js';

/** Where a repository, or a root, keeps the addresses that it was told of. */
export const metServersFile = (folder: string): string => join(folder, '.stargate', 'met-servers.json');

/** The addresses of servers that `cluster add` has told of, until the profile names them: a start reads them again. */
export class MetServers {
  private constructor(
    private readonly file: string,
    private readonly transport: PeerTransport,
    private readonly addresses: Map<string, string>,
  ) {}

  /** Tells a transport what was kept. What can't be read, or used any more, is left out and logged: the profile may name it. */
  static async open(file: string, transport: PeerTransport, log: Log): Promise<MetServers> {
    const addresses = new Map<string, string>();
    const met = new MetServers(file, transport, addresses);
    try {
      const text = await readKept(file);
      if (text !== null) for (const [server, address] of pairsIn(text)) addresses.set(server, address);
    } catch (error) {
      log.warn('cluster.met-unread', { file, message: toKvError(error).message });
    }
    const named = new Set(transport.servers);
    for (const [server, address] of addresses) {
      if (named.has(server)) continue; // the profile is newer
      try {
        transport.meet(server, address);
      } catch (error) {
        log.warn('cluster.met-unused', { server, message: toKvError(error).message });
      }
    }
    return met;
  }

  /** From now on a server is at this address, after a start too. Throws `CONFIG_INVALID` for none that may be used, `IO_ERROR`, `STORAGE_FULL`. */
  async meet(server: string, address: string): Promise<void> {
    this.transport.meet(server, address);
    this.addresses.set(server, address);
    await mkdir(dirname(this.file), { recursive: true, mode: 0o700 });
    await writeKept(this.file, `${JSON.stringify({ v: 1, servers: Object.fromEntries(this.addresses) })}\n`);
  }
}

function pairsIn(text: string): [string, string][] {
  const { v, servers }: { v?: unknown; servers?: unknown } = JSON.parse(text) ?? {};
  if (v !== 1 || typeof servers !== 'object' || servers === null)
    throw new Error('a later version has written it, or somebody by hand');
  return Object.entries(servers).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
}
