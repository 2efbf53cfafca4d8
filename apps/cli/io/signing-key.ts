import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import type { CloneConfig } from '../../../ports/clone/clone-config.js';
import { parseSshKey } from '../../../ports/grammar/network/ssh-key.js';

/** True when Git knows a key to sign with. */
export const hasSigningKey = (config: CloneConfig): boolean =>
  config.get('user.signingkey') !== undefined || config.get('gpg.ssh.defaultkeycommand') !== undefined;

/** The file of the SSH key that Git signs with, when it has a passphrase: ssh-keygen asks for that and does not say of which key. */
export async function keyWithPassphrase(config: CloneConfig): Promise<string | null> {
  const configured = config.get('user.signingkey');
  if (configured === undefined || (config.get('gpg.format') ?? 'ssh') !== 'ssh' || isPublicKey(configured.replace(/^key::/, '')))
    return null;
  const path = configured.replace(/^~(?=\/)/, process.env['HOME'] ?? homedir()).replace(/\.pub$/, '');
  try {
    const body = /^-----BEGIN OPENSSH PRIVATE KEY-----([\sA-Za-z0-9+/=]*)-----END/.exec(await readFile(path, 'utf8'))?.[1];
    // openssh-key-v1, NUL, and the cipher's name, as the protocol writes strings.
    const cipher = body === undefined ? '' : Buffer.from(body, 'base64').subarray(19, 23).toString('latin1');
    return body === undefined || cipher === 'none' ? null : path;
  } catch {
    return null; // an agent or a token may hold it
  }
}

const isPublicKey = (line: string): boolean => typeof parseSshKey(line) !== 'string';
