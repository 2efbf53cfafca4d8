import { rename, rm, writeFile } from 'node:fs/promises';
import { isIP, isIPv6 } from 'node:net';
import { join } from 'node:path';
import { KvError } from '../../ports/error.js';
import { parseSshUrl } from '../../ports/grammar/network/ssh-url.js';
import { listenFault } from '../http/listen-fault.js';

/** An address to listen at, or one that is listened at. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`, with an IPv6 host in brackets. Throws `USAGE`. */
export function parseEndpoint(text: string, option: string): Endpoint {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  const plausible = match?.[1] === undefined ? /^[A-Za-z0-9.-]+$/.test(host ?? '') : isIPv6(match[1]);
  if (host === undefined || !plausible || port > 65535) {
    throw new KvError('USAGE', `${option} wants HOST:PORT, and got '${text.slice(0, 200)}'`, {
      hint: 'for example 127.0.0.1:2222 or [::1]:0',
    });
  }
  return { host, port };
}

/** Why a server can't listen, and what to do: `IO_ERROR`. */
export function cannotListen(protocol: 'SSH' | 'HTTP', { host, port }: Endpoint, cause: NodeJS.ErrnoException): KvError {
  const option = `--listen-${protocol.toLowerCase()}`;
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: `stop what listens there, or take another port: ${option} ${host}:PORT (0 for a free one)`,
    EACCES: `a port below 1024 needs root's rights: ${option} ${host}:2222`,
    EADDRNOTAVAIL: `name an address of this machine: ${option} 0.0.0.0:${port}`,
  };
  return new KvError('IO_ERROR', `cannot listen for ${protocol} on ${host}:${port}: ${listenFault(cause)}`, {
    cause,
    hint: hints[cause.code ?? ''] ?? `check the address of ${option}`,
  });
}

/** The port that an SSH URL leads to; undefined for what is none. */
export function portOfSshUrl(url: string): number | undefined {
  const address = parseSshUrl(url);
  return address?.form === 'url' ? (address.port ?? 22) : undefined;
}

/** The option of serve that has it listen where a push URL leads to, after a space; empty where the URL says no port. */
export function listenOption(pushUrl: string | null): string {
  const port = pushUrl === null ? undefined : portOfSshUrl(pushUrl);
  return port === undefined ? '' : ` --listen-ssh 0.0.0.0:${port}`;
}

/** `host:port` as a URL has it. */
export function showEndpoint({ host, port }: Endpoint): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

const endpointsFile = (gitDir: string): string => join(gitDir, '.stargate', 'endpoints.json');

/** Writes `<gitDir>/.stargate/endpoints.json`, whole or not at all. Throws Node's error when the disk fails. */
export async function writeEndpoints(gitDir: string, endpoints: { ssh: Endpoint; http: Endpoint }): Promise<void> {
  const file = endpointsFile(gitDir);
  const plain = ({ host, port }: Endpoint): Endpoint => ({ host, port });
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify({ ssh: plain(endpoints.ssh), http: plain(endpoints.http) })}\n`);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Removes what `writeEndpoints` wrote. */
export function removeEndpoints(gitDir: string): Promise<void> {
  return rm(endpointsFile(gitDir), { force: true });
}
