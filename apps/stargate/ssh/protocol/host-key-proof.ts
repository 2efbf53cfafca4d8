import type { Connection, ParsedKey } from 'ssh2';
import { sshStrings } from '../../../../ports/grammar/network/ssh-key.js';
import { answerGlobalRequest, hostKeyAlgorithm, sendMessage, sessionId } from './ssh2-protocol.js';
import { sshString } from './wire.js';

/** A host key that a client may learn of. */
export interface ProvableKey {
  /** The public half in wire form. */
  readonly blob: Buffer;
  readonly key: ParsedKey;
}

const GLOBAL_REQUEST = 80;
const ANNOUNCE = 'hostkeys-00@openssh.com';
const PROVE = 'hostkeys-prove-00@openssh.com';
/** A client asks once, for the keys that it doesn't know. */
const MAX_PROOFS = 4;

/**
 * Tells an authenticated client all host keys there are, also the one that takes over later, and proves them when it asks (OpenSSH's
 * PROTOCOL, section 2.5). OpenSSH then notes them beside the one that it has just checked (UpdateHostKeys), so that a rotation
 * warns nobody who has connected since it began. A client that doesn't know the request ignores it.
 */
export function announceHostKeys(client: Connection, keys: readonly ProvableKey[]): void {
  let proofs = 0;
  answerGlobalRequest(client, PROVE, (data) => (++proofs > MAX_PROOFS ? null : prove(client, keys, data)));
  const request = [
    Buffer.from([GLOBAL_REQUEST]),
    sshString(ANNOUNCE),
    Buffer.from([0]),
    ...keys.map(({ blob }) => sshString(blob)),
  ];
  sendMessage(client, Buffer.concat(request));
}

/** A signature of each key that was asked for, over this session; null when one is not ours. */
function prove(client: Connection, keys: readonly ProvableKey[], data: Buffer): Buffer | null {
  const asked = sshStrings(data);
  if (asked === undefined || asked.length === 0 || asked.length > keys.length) return null;
  const signatures: Buffer[] = [];
  for (const blob of asked) {
    const found = keys.find((each) => each.blob.equals(blob));
    if (found === undefined) return null;
    const signed = Buffer.concat([sshString(PROVE), sshString(sessionId(client)), sshString(blob)]);
    const signature = sign(found.key, signed, hostKeyAlgorithm(client));
    if (signature === null) return null;
    signatures.push(sshString(signature));
  }
  return Buffer.concat(signatures);
}

/** A signature in wire form: its algorithm, then its bytes. An RSA key signs as in the key exchange, where it was used there. */
function sign(key: ParsedKey, data: Buffer, negotiated: string): Buffer | null {
  const algorithm = key.type === 'ssh-rsa' ? (negotiated.startsWith('rsa-sha2-') ? negotiated : 'rsa-sha2-512') : key.type;
  const hash = algorithm.startsWith('rsa-sha2-') ? `sha${algorithm.slice(-3)}` : undefined;
  const signature = key.sign(data, hash) as Buffer | Error;
  if (signature instanceof Error) return null;
  return Buffer.concat([sshString(algorithm), sshString(key.type.startsWith('ecdsa-') ? fromDer(signature) : signature)]);
}

/** The two numbers of an ECDSA signature, which OpenSSL gives in DER: a sequence of two integers, in SSH's form (RFC 5656, 3.1.2). */
function fromDer(der: Buffer): Buffer {
  let at = (der[1] ?? 0) < 0x80 ? 2 : 2 + ((der[1] ?? 0) & 0x7f);
  const integer = (): Buffer => {
    const length = der[at + 1] ?? 0;
    const bytes = der.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    return sshString(bytes); // DER's integers are SSH's: signed, without a byte too many
  };
  return Buffer.concat([integer(), integer()]);
}
