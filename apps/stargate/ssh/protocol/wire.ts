/** SSH's wire format (RFC 4251, section 5), as far as our own messages need it. */

import { sshStringEnd } from '../../../../ports/grammar/ssh-key.js';

/** A string: its length, then its bytes. */
export function sshString(value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** The strings that fill a message to its end; undefined when the last one is cut short. */
export function sshStrings(bytes: Buffer): Buffer[] | undefined {
  const strings: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = sshStringEnd(bytes, at);
    if (end === undefined) return undefined;
    strings.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return strings;
}
