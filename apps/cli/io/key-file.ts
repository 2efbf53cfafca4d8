import { KvError } from '../../../ports/error.js';
import { parseSshKey } from '../../../ports/grammar/network/ssh-key.js';
import type { Hasher } from '../../../ports/hasher.js';
import { fingerprint } from '../../../domain/verify/attestation/commit-signer.js';
import { readRegularFile } from './files.js';

/** The fingerprints of a file's keys: one public key a line, as in a .pub file or behind principals and options as in allowed_signers. */
export async function fingerprintsIn(file: string, hasher: Hasher): Promise<string[]> {
  const lines = (await readRegularFile(file)).toString('utf8').split('\n');
  const keys = lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
  if (keys.length === 0) throw new KvError('INPUT_INVALID', `${file} holds no key`);
  return keys.map((line) => {
    const [key = line] = /(?:(?:ssh|ecdsa|sk)-[\w@.-]+)\s+[A-Za-z0-9+/=]+/.exec(line) ?? [];
    const read = parseSshKey(key);
    if (typeof read === 'string')
      throw new KvError('INPUT_INVALID', `${file}: a line ${read}`, { hint: 'give one public key a line' });
    return fingerprint({ kind: 'ssh', id: `${read.type} ${read.base64}` }, hasher);
  });
}
