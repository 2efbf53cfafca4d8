import { createHash } from 'node:crypto';
import type { PolicyKey } from '../../ports/index.js';

/** The key types that may be listed, and the length of their last part in bytes where it is fixed. */
const TYPES: ReadonlyMap<string, number | null> = new Map([
  ['ssh-ed25519', 32],
  ['ssh-rsa', null],
  ['ecdsa-sha2-nistp256', 65],
  ['ecdsa-sha2-nistp384', 97],
  ['ecdsa-sha2-nistp521', 133],
  ['sk-ssh-ed25519@openssh.com', null],
  ['sk-ecdsa-sha2-nistp256@openssh.com', null],
]);

/** Reads an authorized_keys line without options; gives what is wrong with it as a string. */
export function parseSshKey(line: string): PolicyKey | string {
  const match = /^(\S+)[ \t]+(\S+)(?:[ \t]+(.*?))?[ \t]*$/.exec(line);
  if (match?.[1] === undefined || match[2] === undefined) return 'is no public key (want: <type> <base64> <name>)';
  const [, type, base64, comment = ''] = match;
  const last = TYPES.get(type);
  if (last === undefined) {
    if (/^[a-z-]+(=|,|$)/.test(type) && / (ssh-|ecdsa-|sk-)/.test(line))
      return `options such as '${type}' are not taken in front of a key`;
    return `'${shown(type)}' is no known key type (known: ${[...TYPES.keys()].join(', ')})`;
  }
  const blob = Buffer.from(base64, 'base64');
  if (blob.toString('base64').replace(/=+$/, '') !== base64.replace(/=+$/, '')) return 'its base64 is damaged';
  const parts = sshStrings(blob);
  if (parts === null || parts.length < 2) return 'its base64 holds no complete public key';
  const inner = parts[0]?.toString('latin1');
  if (inner !== type) return `says ${type} but holds a key of type '${shown(inner ?? '')}'`;
  if (last !== null && parts.at(-1)?.length !== last) return 'its base64 holds no complete public key';
  const name = comment === '' ? `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}` : comment;
  return { kind: 'ssh', material: `${type} ${base64}`, name };
}

/** The length-prefixed strings that fill a blob; null when they don't. */
function sshStrings(blob: Buffer): Buffer[] | null {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < blob.length) {
    if (at + 4 > blob.length) return null;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return null;
    parts.push(blob.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

function shown(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text.replace(/[^\x20-\x7e]/g, '?');
}
