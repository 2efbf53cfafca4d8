import ssh2 from 'ssh2';
import type { ParsedKey, ServerConfig } from 'ssh2';
import { KvError } from '../../../../ports/error.js';
import type { ProvableKey } from './host-key-proof.js';

const RSA_NAMES = ['rsa-sha2-512', 'rsa-sha2-256'];

/**
 * Host keys as ssh2 is given them, of which it shows one a type. An RSA key goes by its SHA-2 names alone: under its own name, ssh2
 * would also offer to sign by SHA-1, whatever algorithms it is told.
 */
function offeredKeys(keys: readonly ProvableKey[]): ParsedKey[] {
  return keys.flatMap(({ key }) =>
    key.type === 'ssh-rsa' ? RSA_NAMES.map((name) => Object.create(key, { type: { value: name } }) as ParsedKey) : [key],
  );
}

/** An ssh2 server that shows these keys, the first ones first. Throws `CONFIG_INVALID` when ssh2 can't use them. */
export function ssh2Server(
  keys: readonly ProvableKey[],
  config: Omit<ServerConfig, 'hostKeys'>,
): InstanceType<typeof ssh2.Server> {
  try {
    // ssh2 takes a key that it has parsed in the place of one that it is to parse, which its types don't say.
    return new ssh2.Server({ ...config, hostKeys: offeredKeys(keys).map((key) => ({ key, passphrase: '' })) as never });
  } catch (cause) {
    throw new KvError('CONFIG_INVALID', `cannot use the SSH host keys: ${(cause as Error).message}`, { cause });
  }
}
