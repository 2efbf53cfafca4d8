import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { KvError, MANIFEST_NAMESPACE, parseSshKey, startChild } from '../../ports/index.js';

/** The key that manifests are signed with. */
export interface ManifestKey {
  /** Its public half, `<type> <base64>`. */
  readonly id: string;
  /** Gives the armoured signature over a manifest. Throws `IO_ERROR` with the words of ssh-keygen. */
  sign(payload: string): Promise<string>;
}

/** A key that lies in a file, without a passphrase, as a host key does. Throws `CONFIG_INVALID` where there is none. */
export async function manifestKey(file: string, env: Readonly<Record<string, string | undefined>>): Promise<ManifestKey> {
  const line = await readFile(`${file}.pub`, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new KvError('CONFIG_INVALID', `cannot read ${file}.pub: ${cause.code}`, {
      cause,
      hint: "name the key that manifests are signed with, as mirror-bundle's 'key'",
    });
  });
  const key = parseSshKey(line.trim());
  if (typeof key === 'string') throw new KvError('CONFIG_INVALID', `${file}.pub holds no SSH public key`);
  // No agent is asked, and no terminal: nobody is there.
  const kept = { PATH: env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' };
  return { id: `${key.type} ${key.base64}`, sign: (payload) => signed(file, payload, kept) };
}

function signed(file: string, payload: string, env: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const failed = (why: string, cause?: Error): KvError =>
      new KvError('IO_ERROR', `cannot sign a manifest with ${file}: ${why}`, {
        ...(cause === undefined ? {} : { cause }),
        hint: 'ssh-keygen must be there, and the key readable for this user alone and without a passphrase',
      });
    const args = ['-Y', 'sign', '-n', MANIFEST_NAMESPACE, '-f', file];
    const child = startChild(
      'ssh-keygen',
      () => spawn('ssh-keygen', args, { env, stdio: 'pipe' }),
      reject,
      (cause) => failed(cause.message, cause),
    );
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined); // one that ends early says why on its errors
    child.stdin.end(payload);
    child.once('close', (status) => {
      if (status === 0 && stdout.startsWith('-----BEGIN SSH SIGNATURE-----')) resolve(stdout);
      else reject(failed(stderr.trim().split('\n').pop() ?? `it ended with ${status}`));
    });
  });
}
