import { BlockList, isIP } from 'node:net';
import { KvError, shownUrl } from '../../ports/index.js';
import { refusal } from './refusal.js';

/** Where a server takes requests. */
export interface PeerAddress {
  readonly url: URL;
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

/** Reads `http://HOST:PORT` or `https://HOST:PORT`. Throws `CONFIG_INVALID`. */
export function parseAddress(server: string, text: string): PeerAddress {
  const plain = /^https?:\/\/[^/?#@\s]+\/?$/i.test(text) && URL.canParse(text);
  if (!plain)
    throw new KvError('CONFIG_INVALID', `'${shownUrl(text)}' is no address of server ${server}`, {
      hint: 'write http://HOST:PORT or https://HOST:PORT, without a path or a user',
    });
  const url = new URL(text);
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { url, host, secure, port: Number(url.port || (secure ? 443 : 80)) };
}

/** Where servers may speak to each other without TLS: on this host, and in the networks that are named. */
export class TrustedNetworks {
  private readonly networks = new BlockList();
  private readonly names = new Set<string>(['localhost']);

  /** Of `10.1.0.0/16`, `fd00::/8`, `10.1.0.3`, or the name of a host. Throws `CONFIG_INVALID`. */
  constructor(trusted: readonly string[]) {
    this.networks.addSubnet('127.0.0.0', 8, 'ipv4');
    this.networks.addAddress('::1', 'ipv6');
    for (const one of trusted) this.add(one);
  }

  /** Whether a host is there, as far as its address or its name tells. */
  has(host: string): boolean {
    const bare = host.replace(/^::ffff:(?=\d+\.)/i, '').split('%', 1)[0] ?? '';
    const family = isIP(bare);
    if (family === 0) return this.names.has(bare.toLowerCase());
    return this.networks.check(bare, family === 4 ? 'ipv4' : 'ipv6');
  }

  /** Throws `PEER_REFUSED` for an address that would be spoken to unencrypted elsewhere. */
  require(server: string, { url, host, secure }: PeerAddress): void {
    if (secure || this.has(host)) return;
    throw refusal(
      'plain',
      `server ${server} is at ${url.origin}, where everybody on the way could read what is said`,
      "use https, or name its network among the cluster's 'trusted' ones",
    );
  }

  private add(text: string): void {
    const [address = '', bits] = text.split('/');
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (family !== 0 && length <= most) this.networks.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6');
    else if (family === 0 && bits === undefined && /^[a-z0-9][a-z0-9.-]{0,252}$/i.test(text)) this.names.add(text.toLowerCase());
    else
      throw new KvError('CONFIG_INVALID', `trusted: '${text.slice(0, 80)}' is no network`, {
        hint: 'write 10.1.0.0/16, fd00::/8, or the name of a host',
      });
  }
}
