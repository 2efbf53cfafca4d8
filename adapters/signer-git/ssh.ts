import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { KvError } from '../../ports/error.js';
import { runProgram, signingFailed } from './program.js';
import type { Environment, HowToRun } from './program.js';

/** Signs as `git commit -S` does with `gpg.format=ssh`; `key` is a path, or a public key whose private half an agent holds. */
export async function signWithSsh(program: string, key: string, how: HowToRun, payload: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'git-kv-sign-'));
  try {
    const literal = literalKey(key);
    const file = literal === null ? expandHome(key, how.env) : join(folder, 'key.pub');
    if (literal !== null) await writeFile(file, `${literal}\n`, { mode: 0o600 });
    const buffer = join(folder, 'payload');
    await writeFile(buffer, payload, { mode: 0o600 });
    const args = ['-Y', 'sign', '-n', 'git', '-f', file, ...(literal === null ? [] : ['-U']), buffer];
    const { code, stderr } = await runProgram(program, args, how, new Uint8Array());
    if (code !== 0) {
      throw signingFailed(
        program,
        stderr,
        `check user.signingKey ('${shown(key)}') and, for a key with a passphrase, \`ssh-add -l\``,
      );
    }
    return (await readFile(`${buffer}.sig`, 'latin1')).replace(/\r/g, '');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The public key in `key::<key>` or `ssh-<type> …`, or null for a path. */
function literalKey(key: string): string | null {
  if (key.startsWith('key::')) return key.slice('key::'.length);
  return key.startsWith('ssh-') ? key : null;
}

/** The first key that `gpg.ssh.defaultKeyCommand` prints, run through the shell as git does; null when it prints none. */
export async function defaultSshKey(command: string, how: HowToRun): Promise<string | null> {
  const { code, stdout, stderr } = await runProgram('sh', ['-c', command], how, new Uint8Array());
  if (code !== 0) {
    throw new KvError('CONFIG_INVALID', `gpg.ssh.defaultKeyCommand failed: ${stderr.trim().split('\n').at(-1) ?? ''}`, {
      hint: 'set user.signingKey, or correct the command',
    });
  }
  const first = stdout.split('\n')[0]?.trim() ?? '';
  return literalKey(first) === null ? null : first;
}

/** A path as git reads it: `~/` is the user's home. */
export function expandHome(path: string, env: Environment): string {
  if (!path.startsWith('~/')) return path;
  return join(env['HOME'] ?? homedir(), path.slice(2));
}

function shown(key: string): string {
  return key.length > 60 ? `${key.slice(0, 57)}...` : key;
}
