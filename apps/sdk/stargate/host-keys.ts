import { createHash, createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { parseSshKey } from '../../../ports/grammar/network/ssh-key.js';
import type { OpenStargateOptions } from './api.js';

/** What a host may show. */
export interface ExpectedHost {
  /** Whether a host key, in its wire form, is one that is expected. */
  accepts(key: Uint8Array): boolean;
  /** The types of the keys that are expected, `ssh-ed25519` for one; null: they are not known. */
  readonly types: readonly string[] | null;
}

/** What a host may show, by fingerprints or by a `known_hosts` file. Throws `USAGE` for what is no fingerprint; `IO_ERROR` for a host that is not known. */
export async function expectedHost(
  { fingerprint, knownHosts, env }: Pick<OpenStargateOptions, 'fingerprint' | 'knownHosts' | 'env'>,
  host: string,
  port: number,
): Promise<ExpectedHost> {
  if (fingerprint !== undefined) {
    const wanted = [fingerprint].flat();
    if (wanted.length === 0 || !wanted.every((each) => /^SHA256:[A-Za-z0-9+/]{43}$/.test(each)))
      throw new KvError('USAGE', 'fingerprint must be SHA256: and 43 characters', { hint: 'see docs/SDK.md' });
    return { accepts: (key) => wanted.includes(fingerprintOf(key)), types: null };
  }
  const file = knownHosts ?? join(env?.['HOME'] ?? homedir(), '.ssh', 'known_hosts');
  const { keys, revoked } = knownKeys(await textOf(file), port === 22 ? host : `[${host}]:${port}`);
  if (keys.length === 0) {
    throw new KvError('IO_ERROR', `the host key of ${host} port ${port} is not known`, {
      hint: 'give the fingerprint that the Stargate was handed out with, or a known_hosts file that names it',
    });
  }
  const blobs = keys.filter(({ base64 }) => !revoked.includes(base64));
  return {
    accepts: (key) => blobs.some(({ base64 }) => base64 === Buffer.from(key).toString('base64')),
    types: [...new Set(blobs.map(({ type }) => type))],
  };
}

/** A host key as ssh shows it. */
export const fingerprintOf = (key: Uint8Array): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new KvError('IO_ERROR', `cannot read ${file}: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}

interface KnownKey {
  readonly type: string;
  readonly base64: string;
}

/** The keys that a `known_hosts` file has for a host, and those that are never to be taken. Certificate authorities are none of them. */
function knownKeys(text: string, name: string): { keys: KnownKey[]; revoked: string[] } {
  const keys: KnownKey[] = [];
  const revoked: string[] = [];
  for (const line of text.split('\n')) {
    const [, marker, names, rest] = /^(?:(@\S+)\s+)?([^#@\s]\S*)\s+(\S.*)$/.exec(line.trim()) ?? [];
    if (names === undefined || rest === undefined || !isNamed(names, name)) continue;
    const key = parseSshKey(rest);
    if (typeof key === 'string') continue;
    if (marker === '@revoked') revoked.push(key.base64);
    else if (marker === undefined) keys.push({ type: key.type, base64: key.base64 });
  }
  return { keys, revoked };
}

/** Whether a line's names are those of a host: hashed, or patterns of which one matches and none with `!` does. */
function isNamed(names: string, name: string): boolean {
  const [, salt, digest] = /^\|1\|([^|]+)\|([^|]+)$/.exec(names) ?? [];
  if (salt !== undefined)
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name.toLowerCase()).digest('base64') === digest;
  const patterns = names.split(',');
  const matches = (pattern: string): boolean => asPattern(pattern).test(name.toLowerCase());
  if (patterns.some((each) => each.startsWith('!') && matches(each.slice(1)))) return false;
  return patterns.some((each) => !each.startsWith('!') && matches(each));
}

function asPattern(pattern: string): RegExp {
  const escaped = pattern.toLowerCase().replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*/g, '.*').replace(/\?/g, '.')}$`);
}
