import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import ssh2 from 'ssh2';
import { KvError } from '../../../ports/error.js';
import { openSshKey, type OwnKey, ownKey } from '../../ssh-signature.js';

/** A writer's key: it signs intents in this process, and logs in. */
export interface WriterKey extends OwnKey {
  /** The private half as ssh's own files have it, unencrypted. */
  readonly login: string;
}

/**
 * Reads an Ed25519 private key, the text of an OpenSSH or PEM file, or the path of one. Throws `CONFIG_INVALID`, which says nothing of
 * what was given.
 */
export async function writerKey(key: string | Uint8Array, passphrase: string | undefined): Promise<WriterKey> {
  const given = typeof key === 'string' ? key : Buffer.from(key).toString();
  const text = given.includes('-----BEGIN') ? given : await contentOf(given);
  const pem = privateKeyOf(text, passphrase).export({ type: 'pkcs8', format: 'pem' }).toString();
  return { ...ownKey(pem), login: openSshKey(pem) };
}

async function contentOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new KvError('CONFIG_INVALID', `cannot read the file of the key: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}

function privateKeyOf(text: string, passphrase: string | undefined): KeyObject {
  const hint = 'make one with ssh-keygen -t ed25519; an encrypted one takes its passphrase';
  let key: KeyObject | undefined;
  try {
    if (text.includes('OPENSSH PRIVATE KEY')) {
      const parsed = ssh2.utils.parseKey(text, passphrase);
      if (!(parsed instanceof Error)) key = createPrivateKey(parsed.getPrivatePEM());
    } else key = createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    // told below, without what it says of the key
  }
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new KvError('CONFIG_INVALID', 'key is no Ed25519 private key that can be read', { hint });
}
