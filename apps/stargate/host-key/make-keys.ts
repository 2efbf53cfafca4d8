import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, copyFile, link, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { KvError } from '../../../ports/error.js';
import { HOST_KEY_KINDS, hadNoKeys, type HostKey, type HostKeyKind, keyFile, keyFolder, readKey } from './key-files.js';
import { syncPath } from '../../sync-path.js';

/** RSA of OpenSSH's own host keys. Bits. */
const RSA_BITS = '3072';

/**
 * Makes a key pair at a path, whole and synced or not at all, and never over another one: when two processes make it at once, the
 * first one's stays. Throws `IO_ERROR` without OpenSSH, and when the disk fails.
 */
export async function makeKey(kind: HostKeyKind, file: string): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const size = kind === 'rsa' ? ['-b', RSA_BITS] : [];
    await promisify(execFile)('ssh-keygen', ['-t', kind, ...size, '-N', '', '-q', '-C', 'git-kv-stargate', '-f', draft]);
    await chmod(draft, 0o600);
    await syncPath(draft);
    await place(draft, file);
    await place(`${draft}.pub`, `${file}.pub`);
    await syncPath(dirname(file));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const missing = code === 'ENOENT';
    throw new KvError(
      'IO_ERROR',
      `cannot make the SSH host key ${file}: ${missing ? 'there is no ssh-keygen' : message.split('\n')[0]}`,
      {
        cause,
        hint: missing ? 'install the OpenSSH client' : 'see that the disk has room and that this user may write there',
      },
    );
  } finally {
    await Promise.all([draft, `${draft}.pub`].map((left) => rm(left, { force: true })));
  }
}

/** Makes the keys of a repository that isn't in use yet, or takes them over from a folder where others lie; gives all of them. */
export async function makeHostKeys(gitDir: string, from?: string): Promise<readonly HostKey[]> {
  const folder = keyFolder(gitDir);
  if (from !== undefined) await takeKeys(from, folder);
  await Promise.all((await missing(folder)).map((kind) => makeKey(kind, keyFile(folder, kind))));
  return keysIn(folder);
}

/**
 * Makes the ed25519 key of a root that never had one; the other kinds follow it (`addMissingKinds`). False, and nothing is made, where there
 * is one, or where another kind or a public half tells that it is lost.
 */
export async function makeFirstKey(root: string): Promise<boolean> {
  if (!(await hadNoKeys(root))) return false;
  await makeKey('ed25519', keyFile(keyFolder(root), 'ed25519'));
  return true;
}

/** The keys that lie in a folder, as many kinds as there are. */
export async function keysIn(folder: string): Promise<readonly HostKey[]> {
  const keys = await Promise.all(HOST_KEY_KINDS.map((kind) => readKey(kind, keyFile(folder, kind))));
  return keys.filter((key) => key !== null);
}

/**
 * Makes the keys of the kinds that a repository from before them hasn't got; gives these. One that only has lost the key that
 * clients know is left alone.
 */
export async function addMissingKinds(gitDir: string): Promise<readonly HostKeyKind[]> {
  const folder = keyFolder(gitDir);
  const kinds = await missing(folder);
  if (kinds.includes('ed25519')) return [];
  await Promise.all(kinds.map((kind) => makeKey(kind, keyFile(folder, kind))));
  return kinds;
}

/** The kinds of which there is no key. */
export async function missing(folder: string): Promise<readonly HostKeyKind[]> {
  const found = await Promise.all(HOST_KEY_KINDS.map((kind) => readKey(kind, keyFile(folder, kind))));
  return HOST_KEY_KINDS.filter((_, at) => found[at] === null);
}

/** Throws `IO_ERROR` when there is no ssh-keygen. */
export async function requireKeygen(): Promise<void> {
  try {
    await promisify(execFile)('ssh-keygen', ['-l', '-f', '/dev/null']);
  } catch (cause) {
    // Whatever it says of that file: it is there.
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw new KvError('IO_ERROR', 'there is no ssh-keygen', { cause, hint: 'install the OpenSSH client' });
  }
}

/** Copies the keys of a backup. Throws `CONFIG_INVALID` when the one that clients know isn't among them. */
async function takeKeys(from: string, folder: string): Promise<void> {
  for (const kind of HOST_KEY_KINDS) {
    const key = await readKey(kind, keyFile(from, kind));
    if (key === null && kind === 'ed25519') {
      throw new KvError('CONFIG_INVALID', `there is no ${keyFile(from, kind)} to take over`, {
        hint: "name the folder that has the host keys: a backup's, or another Stargate's .stargate",
      });
    }
    if (key === null) continue;
    await copyFile(keyFile(from, kind), keyFile(folder, kind));
    await chmod(keyFile(folder, kind), 0o600);
    await writeFile(`${keyFile(folder, kind)}.pub`, `${key.type} ${key.blob.toString('base64')} git-kv-stargate\n`);
    await syncPath(keyFile(folder, kind));
  }
}

async function place(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another process was first, and its key counts
  }
}
