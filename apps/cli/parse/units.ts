import { readExpiry } from '../../../domain/client/write/value/expiry.js';
import { KvError } from '../../../ports/error.js';
import { parseDuration } from '../../../ports/grammar/duration.js';
import { parseSize } from '../../../ports/grammar/size.js';
import { shownUrl } from '../../../ports/grammar/network/shown-url.js';
import { isFingerprint } from '../../../ports/grammar/network/ssh-key.js';
import { parseSshUrl } from '../../../ports/grammar/network/ssh-url.js';
import { isOid, type ObjectFormat, type Oid } from '../../../ports/vocabulary.js';

/** How long a command waits for the mirror when nobody says. Milliseconds. */
export const DEFAULT_TIMEOUT_MS = 60_000;

/** Bytes of `64KiB`, `1MB`, `4096`. Throws `USAGE` naming the flag. */
export function sizeFlag(flag: string, text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw wrong(flag, text, 'a size', '64KiB');
  return bytes;
}

/** Milliseconds. Throws `USAGE` naming the flag. */
export function durationFlag(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw wrong(flag, text, 'a duration', /^\d{1,9}$/.test(text) ? `${text}s` : '60s');
  return ms;
}

/** A whole number of at least 1. Throws `USAGE` naming the flag. */
export function countFlag(flag: string, text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw wrong(flag, text, 'a whole number of at least 1', '100');
  return Number(text);
}

/** When a key expires, ms since the epoch. Throws `USAGE`, also for a time in the past. */
export function ttlFlag(text: string, now: number): number | undefined {
  const expiry = readExpiry(text, now);
  if ('fault' in expiry) throw new KvError('USAGE', `--${expiry.fault}`, { hint: 'for example --ttl 30d' });
  return expiry.expiresAt;
}

/** A full object id of the repository's format. Throws `USAGE` naming the flag. */
export function oidFlag(flag: string, text: string, format: ObjectFormat): Oid {
  const oid = text.toLowerCase();
  if (isOid(oid, format)) return oid;
  throw new KvError('USAGE', `--${flag} wants a full ${format} object id, and got ${JSON.stringify(text.slice(0, 80))}`, {
    hint: 'git kv get KEY --json gives oid, commit and tree in full; so does the receipt of a write with --json',
  });
}

/** An address that ssh can be given, `ssh://[user@]host[:port]/path` or `[user@]host:path`. Throws `USAGE` naming the flag. */
export function sshUrlFlag(flag: string, text: string): string {
  if (parseSshUrl(text) !== undefined) return text;
  throw new KvError('USAGE', `--${flag} wants an SSH address, and got ${JSON.stringify(shownUrl(text).slice(0, 80))}`, {
    hint: `for example --${flag} ssh://git@stargate.local/org/repo.git`,
  });
}

/** The fingerprint of an SSH key. Throws `USAGE` naming the flag. */
export function fingerprintFlag(flag: string, text: string): string {
  if (isFingerprint(text)) return text;
  throw wrong(flag, text, 'a fingerprint as ssh shows it', 'SHA256:… with 43 characters behind the colon');
}

function wrong(flag: string, text: string, what: string, example: string): KvError {
  return new KvError('USAGE', `--${flag} wants ${what}, and got ${JSON.stringify(text.slice(0, 80))}`, {
    hint: `for example --${flag} ${example}`,
  });
}
