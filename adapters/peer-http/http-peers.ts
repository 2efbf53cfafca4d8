import { KvError, MAX_PEER_BODY, PEER_OPERATOR, PEER_PROTOCOL, PEER_TOPIC, type PeerTransport } from '../../ports/index.js';
import { type PeerAddress, parseAddress, TrustedNetworks } from './addresses.js';
import { PeerCaller } from './caller.js';
import { type PeerIdentityFiles, readPeerIdentity } from './identity.js';
import { KeyFile } from './keys.js';
import { PeerListener } from './listener.js';
import { refusal } from './refusal.js';
import { NAME } from './seal.js';
import type { PeerSide } from './side.js';

/** Who this server is, where the others are, and how they know each other. */
export interface HttpPeersOptions {
  readonly self: string;
  readonly cluster: string;
  /** The address of each server, this one's too where it is the one that it listens on. */
  readonly servers: Readonly<Record<string, string>>;
  /** Where it listens; where `servers` has it when absent. */
  readonly listen?: { readonly host: string; readonly port: number };
  readonly keyFile?: string;
  readonly identity?: PeerIdentityFiles;
  /** Networks in which servers speak to each other without TLS, besides this host. */
  readonly trusted?: readonly string[];
  readonly timeoutMs?: number;
  readonly toleranceMs?: number;
  /** Only tests give others. */
  readonly protocol?: number;
  readonly now?: () => number;
}

/**
 * Opens a server's side of a cluster whose servers speak HTTP. Reads keys and certificates, and listens nowhere before `serve`. Throws
 * `CONFIG_INVALID` for what is no configuration, `PEER_REFUSED` for an address that must not be spoken to without TLS.
 */
export async function openHttpPeers(options: HttpPeersOptions): Promise<PeerTransport> {
  const { self, cluster, servers, timeoutMs = 10_000, toleranceMs = 30_000 } = options;
  for (const name of [self, cluster, ...Object.keys(servers)])
    if (!NAME.test(name))
      throw new KvError('CONFIG_INVALID', `'${name.slice(0, 80)}' is no name of a server or a cluster`, {
        hint: 'up to 64 letters, digits, dots, dashes',
      });
  if (servers[PEER_OPERATOR] !== undefined)
    throw new KvError('CONFIG_INVALID', `no server may be called '${PEER_OPERATOR}'`, { hint: 'give it another name' });
  if (options.keyFile === undefined && options.identity === undefined)
    throw new KvError('CONFIG_INVALID', 'the servers of the cluster have nothing to know each other by', {
      hint: "give a 'keyFile', or 'ca', 'cert' and 'certKey'",
    });
  const trusted = new TrustedNetworks(options.trusted ?? []);
  const addresses = new Map<string, PeerAddress>();
  const meet = (server: string, text: string): void => {
    const address = parseAddress(server, text);
    trusted.require(server, address);
    const twin = [...addresses].find(([name, { url }]) => name !== server && url.origin === address.url.origin);
    if (twin !== undefined)
      throw new KvError('CONFIG_INVALID', `the servers ${twin[0]} and ${server} have one address, ${address.url.origin}`, {
        hint: 'name each server once, and this one by its own name',
      });
    addresses.set(server, address);
  };
  for (const [server, text] of Object.entries(servers)) meet(server, text);
  const side: PeerSide = {
    ...{ self, cluster, trusted, addresses, timeoutMs, toleranceMs },
    protocol: options.protocol ?? PEER_PROTOCOL,
    keys: options.keyFile === undefined ? null : await KeyFile.open(options.keyFile),
    identity: options.identity === undefined ? null : await readPeerIdentity(options.identity),
    now: options.now ?? Date.now,
  };
  const caller = new PeerCaller(side);
  let listener: PeerListener | null = null;
  let closed = false;

  return {
    capabilities: { authenticated: true },
    self,

    get servers() {
      return [...new Set([...addresses.keys(), self])].sort();
    },

    get address() {
      if (listener === null) return null;
      const { host, port } = listener.address;
      return `${side.identity === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
    },

    async call(to, request, how = {}) {
      if (closed) throw new KvError('IO_ERROR', 'the transport to the peers is closed', { hint: 'open another' });
      if (!PEER_TOPIC.test(request.topic)) throw new KvError('INPUT_INVALID', `'${request.topic.slice(0, 80)}' is no topic`);
      if (request.body.length > MAX_PEER_BODY)
        throw new KvError('INPUT_INVALID', `a body of ${request.body.length} bytes is too long for a request`);
      if (to === self) throw refusal('self', `server ${self} does not speak to itself`);
      const address = addresses.get(to);
      if (address === undefined)
        throw new KvError('NOT_FOUND', `the address of server ${to} is not known`, {
          hint: "name it among the cluster's servers",
        });
      return await caller.call(to, address, request, how);
    },

    async serve(handler) {
      if (listener !== null) throw new KvError('CONFIG_INVALID', `server ${self} takes requests already`);
      const { host, port } = options.listen ?? addresses.get(self) ?? { host: '', port: 0 };
      if (host === '')
        throw new KvError('CONFIG_INVALID', `server ${self} has no address to listen on`, { hint: "give 'listen', HOST:PORT" });
      listener = await PeerListener.listen(side, host, port, handler);
    },

    meet,

    async close() {
      if (closed) return;
      closed = true;
      caller.close();
      await listener?.close();
    },
  };
}
