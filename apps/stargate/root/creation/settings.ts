import { KvError } from '../../../../ports/error.js';
import { parseRepositoryName } from '../../../../ports/grammar/repository-name.js';
import { isServerName } from '../../../../ports/grammar/server-name.js';
import type { Endpoint } from '../../endpoints.js';

/** How a server replicates, as its flags say. */
export interface ReplicaSettings {
  /** This server's name among the others. */
  readonly self: string;
  /** Where the others serve the replication API. */
  readonly peers: readonly URL[];
  /** A file of keys that all servers have; undefined: TLS, or the key of this user on this host. */
  readonly keyFile: string | undefined;
  /** Where requests of peers are taken: a free port of the address of the API, unless it is said otherwise. */
  readonly listenPeers: Endpoint;
  /** Files for mutual TLS; undefined: none. */
  readonly identity: { readonly ca: string; readonly cert: string; readonly certKey: string } | undefined;
  /** Networks in which servers speak to each other without TLS, besides this host. */
  readonly trusted: readonly string[];
}

/** A server's name. Throws `USAGE`. */
export function parseServerId(text: string): string {
  if (isServerName(text) && parseRepositoryName(`a/${text}`) !== null) return text;
  throw new KvError('USAGE', `'${text.slice(0, 80)}' is no server's name`, {
    hint: 'up to 63 letters, digits, dots, dashes and underscores, such as SERVER_ID=server-1',
  });
}

/**
 * The addresses of the other servers, separated by commas. Throws `USAGE` for what is no address, one that is named twice, and one that leads
 * back to the server that listens here.
 */
export function parsePeerUrls(texts: readonly string[], here: Endpoint): readonly URL[] {
  const urls = texts
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map(peerUrl);
  const seen = new Set<string>();
  for (const url of urls) {
    if (seen.has(url.origin))
      throw new KvError('USAGE', `the peer ${url.origin} is named twice`, { hint: 'name each of the other servers once' });
    seen.add(url.origin);
    if (
      portOf(url) === here.port &&
      here.port !== 0 &&
      (url.hostname === here.host || (isLoopback(url.hostname) && isLoopback(here.host)))
    )
      throw new KvError('USAGE', `the peer ${url.origin} is this server itself`, { hint: 'name the other servers only' });
  }
  return urls;
}

function peerUrl(text: string): URL {
  if (/^https?:\/\/[^/?#@\s]+\/?$/i.test(text) && URL.canParse(text)) return new URL(text);
  throw new KvError('USAGE', `'${text.slice(0, 200)}' is no address of a server`, {
    hint: 'write http://HOST:PORT, separated by commas',
  });
}

const portOf = ({ port, protocol }: URL): number => Number(port || (protocol === 'https:' ? 443 : 80));

/** Whether a host's name or address is this host. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').replace(/^::ffff:/i, '');
  return bare === 'localhost' || bare === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(bare);
}
