import { createHash } from 'node:crypto';
import type { SigningKey } from '../../ports/clone/signer.js';
import { verifyWithKey } from './ssh-key.js';
import { invalid, sshString, SshReader } from './ssh-wire.js';

const BEGIN = '-----BEGIN SSH SIGNATURE-----';
const END = '-----END SSH SIGNATURE-----';
const MAGIC = 'SSHSIG';
const VERSION = 1;
const NAMESPACE = 'git';
// The largest key here (RSA 16384) needs about 6 KiB.
const MAX_ARMOUR = 32 * 1024;

/** Whether a commit's signature is SSH's, told by its first line. */
export function isSshSignature(signature: string): boolean {
  return signature.startsWith(BEGIN);
}

/** Verifies an SSHSIG (OpenSSH's PROTOCOL.sshsig) in a namespace, `git` where none is given. Throws `SIGNATURE_INVALID`. */
export function verifySshSignature(payload: Uint8Array, armoured: string, wanted: string = NAMESPACE): SigningKey {
  const reader = new SshReader(dearmour(armoured));
  if (reader.raw(MAGIC.length).toString('latin1') !== MAGIC) throw invalid('it is not an SSH signature');
  const version = reader.uint32();
  if (version !== VERSION) throw invalid(`its version is ${version}`);
  const publicKey = reader.string();
  const namespace = reader.text();
  if (namespace !== wanted) throw invalid(`it was made for '${printable(namespace)}', not for ${wanted}`);
  if (reader.string().length > 0) throw invalid('its reserved field is not empty');
  const hash = reader.text();
  if (hash !== 'sha256' && hash !== 'sha512') throw invalid(`it uses the hash '${printable(hash)}'`);
  const signature = reader.string();
  reader.end();
  const digest = createHash(hash).update(payload).digest();
  const signed = Buffer.concat([Buffer.from(MAGIC), sshString(namespace), sshString(''), sshString(hash), sshString(digest)]);
  const type = verifyWithKey(publicKey, signature, signed);
  return { kind: 'ssh', id: `${type} ${publicKey.toString('base64')}` };
}

function dearmour(armoured: string): Buffer {
  if (armoured.length > MAX_ARMOUR) throw invalid('it is too long');
  const lines = armoured.replace(/(?<!\n)\n+$/, '').split('\n');
  if (lines.shift() !== BEGIN || lines.pop() !== END) throw invalid('its armour is broken');
  const text = lines.join('');
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw invalid('its armour is not plain base64');
  return bytes;
}

function printable(text: string): string {
  return text.slice(0, 40).replace(/[^\u0020-\u007e]/g, '?');
}
