import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KvError } from '../../../ports/error.js';

/** Makes the SSH host key of a repository; gives its fingerprint as ssh shows it. Throws `IO_ERROR` without OpenSSH. */
export async function makeHostKey(gitDir: string): Promise<string> {
  const file = join(gitDir, '.stargate', 'ssh_host_ed25519_key');
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
