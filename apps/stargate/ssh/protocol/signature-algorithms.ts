import type { Connection } from 'ssh2';
import { insteadOfExtInfo, sendMessage } from './ssh2-protocol.js';
import { sshString } from './wire.js';

const EXT_INFO = 7;

/** What a client's key may sign with. RSA with SHA-2 alone: SHA-1 can be forged. */
export const CLIENT_SIGNATURES: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/**
 * Tells a client what its key may sign with (RFC 8308, `server-sig-algs`), without which it would sign with an RSA key as of old, by
 * SHA-1. ssh2's own list lacks a comma, so that rsa-sha2-512 is not in it, and it asks for SHA-1, which is refused here.
 */
export function tellSignatureAlgorithms(client: Connection): void {
  const extensions = Buffer.concat([sshString('server-sig-algs'), sshString(CLIENT_SIGNATURES.join(','))]);
  insteadOfExtInfo(client, () => sendMessage(client, Buffer.concat([Buffer.from([EXT_INFO, 0, 0, 0, 1]), extensions])));
}
