import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../ports/error.js';

/** The key that the Stargate of a repository shows to SSH clients. Throws `CONFIG_INVALID` where there is no such repository. */
export async function readHostKey(gitDir: string): Promise<Buffer> {
  try {
    await access(join(gitDir, 'objects'));
    return await readFile(join(gitDir, '.stargate', 'ssh_host_ed25519_key'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new KvError('CONFIG_INVALID', `cannot read ${gitDir}: permission denied`, {
        cause,
        hint: 'run as the owner of the repository',
      });
    }
    throw new KvError('CONFIG_INVALID', `${gitDir} is not a Stargate's repository: ${code}`, {
      cause,
      hint: 'make it with git-kv-stargate init',
    });
  }
}
