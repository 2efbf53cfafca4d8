import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { CloneConfig } from '../../../ports/clone-config.js';
import { parseSshKey } from '../../../ports/grammar/ssh-key.js';

/** True when Git knows a key to sign with. */
export const hasSigningKey = (config: CloneConfig): boolean =>
  config.get('user.signingkey') !== undefined || config.get('gpg.ssh.defaultkeycommand') !== undefined;

/** The user's own SSH public key, as one authorized_keys line, when that is what Git signs with; null otherwise. */
export async function ownPublicKey(config: CloneConfig): Promise<string | null> {
  const configured = config.get('user.signingkey');
  if (configured === undefined || config.get('gpg.format') !== 'ssh') return null;
  const literal = configured.replace(/^key::/, '');
  if (isPublicKey(literal)) return literal;
  const path = configured.replace(/^~(?=\/)/, process.env['HOME'] ?? homedir());
  return (await firstKey(path)) ?? (path.endsWith('.pub') ? null : firstKey(join(`${path}.pub`)));
}

async function firstKey(file: string): Promise<string | null> {
  try {
    const line = (await readFile(file, 'utf8')).trim();
    return isPublicKey(line) ? line : null;
  } catch {
    return null; // an agent may hold a key of which there is no file here
  }
}

const isPublicKey = (line: string): boolean => typeof parseSshKey(line) !== 'string';
