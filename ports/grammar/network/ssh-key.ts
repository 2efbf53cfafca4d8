import { decodeBase64 } from '../base64.js';

/** SSH public keys: `<type> <base64> [comment]`, a line as in authorized_keys, and the wire form (RFC 4253, section 6.6) in its base64. */

/** A public key, read from its line. */
export interface SshPublicKey {
  readonly type: string;
  /** The wire form as the line has it: canonical, so that equal keys are equal text. */
  readonly base64: string;
  /** The wire form. */
  readonly blob: Uint8Array;
  /** Empty where the line has none. */
  readonly comment: string;
}

/** The key types that may be listed, and the length of their last part in bytes where it is fixed. */
const TYPES: Readonly<Record<string, number | null>> = {
  'ssh-ed25519': 32,
  'ssh-rsa': null,
  'ecdsa-sha2-nistp256': 65,
  'ecdsa-sha2-nistp384': 97,
  'ecdsa-sha2-nistp521': 133,
  'sk-ssh-ed25519@openssh.com': null,
  'sk-ecdsa-sha2-nistp256@openssh.com': null,
};
const SHOWN = 40;

/** Reads a line without options; a string says what is wrong with it, and shows nothing of the key. */
export function parseSshKey(line: string): SshPublicKey | string {
  if (/\p{Cc}/u.test(line.trim().replaceAll('\t', ' '))) return 'holds a control character';
  const [, type, base64, comment = ''] = /^(\S+)[ \t]+(\S+)(?:[ \t]+(.*))?$/.exec(line.trim()) ?? [];
  if (type === undefined || base64 === undefined) return 'is no public key (want: <type> <base64> <name>)';
  const last = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  if (last === undefined) {
    if (/^[a-z-]+(=|,|$)/.test(type) && / (ssh-|ecdsa-|sk-)/.test(line))
      return `options such as '${type}' are not taken in front of a key`;
    return `'${shown(type)}' is no known key type (known: ${Object.keys(TYPES).join(', ')})`;
  }
  const blob = decodeBase64(base64);
  if (blob === undefined) return 'its base64 is damaged';
  const parts = sshStrings(blob);
  if (parts === undefined || parts.length < 2) return 'its base64 holds no complete public key';
  const inner = latin1(parts[0] as Uint8Array);
  if (inner !== type) return `says ${type} but holds a key of type '${shown(inner)}'`;
  if (last !== null && parts.at(-1)?.length !== last) return 'its base64 holds no complete public key';
  return { type, base64, blob, comment };
}

/** True for a key's fingerprint as ssh shows it: `SHA256:` and 43 characters. */
export function isFingerprint(text: string): boolean {
  return /^SHA256:[A-Za-z0-9+/]{43}$/.test(text);
}

/** The type that a key's wire form names; undefined when it names none. */
export function sshKeyType(blob: Uint8Array): string | undefined {
  const end = sshStringEnd(blob, 0);
  return end === undefined ? undefined : latin1(blob.subarray(4, end));
}

/** Where the string of SSH's wire format (RFC 4251, section 5) ends whose length stands at `at`; undefined when it is cut short. */
export function sshStringEnd(bytes: Uint8Array, at: number): number | undefined {
  if (at + 4 > bytes.length) return undefined;
  const end = at + 4 + new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0);
  return end > bytes.length ? undefined : end;
}

/** The strings that fill a wire form; undefined when they don't. */
export function sshStrings(blob: Uint8Array): Uint8Array[] | undefined {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < blob.length; ) {
    const end = sshStringEnd(blob, at);
    if (end === undefined) return undefined;
    parts.push(blob.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, 256));

function shown(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text.replace(/[^\x20-\x7e]/g, '?');
}
