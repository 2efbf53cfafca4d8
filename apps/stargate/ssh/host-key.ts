import { execFile } from 'node:child_process';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KvError } from '../../../ports/error.js';

const keyFile = (gitDir: string): string => join(gitDir, '.stargate', 'ssh_host_ed25519_key');

/** Makes the SSH host key of a repository; gives its fingerprint as ssh shows it. Throws `IO_ERROR` without OpenSSH. */
export async function makeHostKey(gitDir: string): Promise<string> {
  const file = keyFile(gitDir);
  try {
    await promisify(execFile)('ssh-keygen', ['-t', 'ed25519', '-N', '', '-q', '-C', 'git-kv-stargate', '-f', file]);
    await chmod(file, 0o600);
    const { stdout } = await promisify(execFile)('ssh-keygen', ['-l', '-f', `${file}.pub`]);
    return stdout.split(' ')[1] ?? '';
  } catch (cause) {
    throw new KvError('IO_ERROR', `cannot make the SSH host key: ${(cause as Error).message}`, {
      cause,
      hint: 'install the OpenSSH client',
    });
  }
}

/** The key that the Stargate of a repository shows to SSH clients. Throws `CONFIG_INVALID` where there is no such repository. */
export async function readHostKey(gitDir: string): Promise<Buffer> {
  try {
    return await readFile(keyFile(gitDir));
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
