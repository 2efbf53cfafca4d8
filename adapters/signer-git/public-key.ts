import { readFile } from 'node:fs/promises';
import { parseSshKey } from '../../ports/grammar/network/ssh-key.js';
import { expandHome } from './ssh.js';
import type { Environment } from './program.js';

/** The public half of a key as user.signingKey names it, itself or by a file, as one authorized_keys line; null when it can't be told. */
export async function sshPublicKey(configured: string, env: Environment): Promise<string | null> {
  const literal = configured.replace(/^key::/, '');
  if (isPublicKey(literal)) return literal;
  const path = expandHome(configured, env);
  return (await firstKey(path)) ?? (path.endsWith('.pub') ? null : firstKey(`${path}.pub`));
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
