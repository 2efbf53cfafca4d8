import { createHash } from 'node:crypto';
import { parseSshKey } from '../../ports/grammar/network/ssh-key.js';
import type { PolicyKey } from '../../ports/index.js';

/** A listed SSH key, named by its comment or else by its fingerprint; a string says what is wrong with it. */
export function readSshKey(line: string): PolicyKey | string {
  const key = parseSshKey(line);
  if (typeof key === 'string') return key;
  const { type, base64, blob, comment } = key;
  const name = comment === '' ? `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}` : comment;
  return { kind: 'ssh', material: `${type} ${base64}`, name };
}
