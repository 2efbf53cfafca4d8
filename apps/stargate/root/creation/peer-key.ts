import { randomBytes } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { KvError } from '../../../../ports/error.js';

/**
 * The key by which the servers of one user on one host know each other, where nothing else was given: in a file of that user's, made by whoever
 * comes first. Nobody else can read it. Throws `CONFIG_INVALID` where there is no place for it.
 */
export async function loopbackKey(env: NodeJS.ProcessEnv): Promise<string> {
  const file = join(env['XDG_STATE_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'state'), 'git-kv', 'loopback.key');
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(`loopback ${randomBytes(32).toString('base64')}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return file;
    throw new KvError('CONFIG_INVALID', `cannot keep a key for the servers of this host: ${(cause as Error).message}`, {
      cause,
      hint: 'give one with --peer-key-file (PEER_KEY_FILE), the same to all servers',
    });
  }
  return file;
}
