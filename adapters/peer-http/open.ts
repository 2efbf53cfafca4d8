import { resolve } from 'node:path';
import { IsArray, IsInt, IsNotEmpty, IsNotEmptyObject, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { KvError, type OpenAdapter, type PeerTransport } from '../../ports/index.js';
import { openHttpPeers } from './http-peers.js';

export { type HttpPeersOptions, openHttpPeers } from './http-peers.js';
export { parseKeys } from './keys.js';

/** Who this server is, where the others are, and how they know each other. */
export class Config {
  /** This server's name: letters, digits, dots, dashes. */
  @IsString()
  @IsNotEmpty()
  self!: string;

  /** The cluster's name: whoever names another one is refused. */
  @IsString()
  @IsNotEmpty()
  cluster!: string;

  /** The address of each server by its name: `http://HOST:PORT` on this host and in trusted networks, else `https://HOST:PORT`. */
  @IsNotEmptyObject()
  servers!: Record<string, string>;

  /** Where requests are taken, `HOST:PORT`; this server's own address when absent. */
  @IsOptional()
  @Matches(/^(\[[0-9a-f:.]+\]|[^:\s]+):\d{1,5}$/i)
  listen?: string;

  /** A file of keys that all servers have, from the repository's folder. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  keyFile?: string;

  /** A file with the certificate authority of the servers' certificates. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  ca?: string;

  /** This server's certificate: it names the server, or the host of its address. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  cert?: string;

  /** The certificate's private key. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  certKey?: string;

  /** Networks in which servers speak to each other without TLS, besides this host: `10.1.0.0/16`, or the name of a host. */
  @IsArray()
  @IsString({ each: true })
  trusted: string[] = [];

  /** How long nothing may move before a peer is given up, milliseconds. */
  @IsInt()
  @Min(50)
  @Max(600_000)
  timeoutMs = 10_000;

  /** How far the clocks of two servers may be apart, milliseconds. */
  @IsInt()
  @Min(1000)
  @Max(3_600_000)
  toleranceMs = 30_000;
}

/** Opens a server's side of the cluster; nobody is asked yet. Throws `CONFIG_INVALID`, `PEER_REFUSED`. */
export const open: OpenAdapter<Config, PeerTransport> = (config, { directory }) => {
  const { ca, cert, certKey, keyFile, listen, ...rest } = config;
  const from = (path: string): string => resolve(directory, path);
  const given = [ca, cert, certKey].filter((path) => path !== undefined);
  if (given.length !== 0 && given.length !== 3)
    throw new KvError('CONFIG_INVALID', "of 'ca', 'cert' and 'certKey', some are missing", { hint: 'give all three, or none' });
  const [caFile, certFile, certKeyFile] = given.map(from);
  return openHttpPeers({
    ...rest,
    ...(keyFile === undefined ? {} : { keyFile: from(keyFile) }),
    ...(listen === undefined ? {} : { listen: hostAndPort(listen) }),
    ...(caFile === undefined || certFile === undefined || certKeyFile === undefined
      ? {}
      : { identity: { ca: caFile, cert: certFile, certKey: certKeyFile } }),
  });
};

function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}
