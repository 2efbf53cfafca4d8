import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import { KvError, startChild } from '../../ports/index.js';

/** flock(1)'s exit status when another holds the lock. */
const CONFLICT = 1;

/**
 * Tries once to lock an open file, for as long as this process keeps it open. The lock belongs to the open file
 * description, which flock(1) shares as its descriptor 3; so it outlives flock(1) and ends with us, on `kill -9` too.
 * False when another holds it. Throws `IO_ERROR`, `BUSY`.
 */
export function tryFlock(
  file: FileHandle,
  mode: 'exclusive' | 'shared',
  env: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const start = () => spawn('flock', ['--nonblock', `--${mode}`, '3'], { env, stdio: ['ignore', 'ignore', 'pipe', file.fd] });
    const child = startChild('flock', start, reject, noFlock);
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.once('close', (code, signal) => {
      if (code === 0) resolve(true);
      else if (code === CONFLICT && said === '') resolve(false);
      else {
        reject(
          new KvError('IO_ERROR', `flock failed (${signal ?? code}): ${said.trim() || 'no message'}`, {
            hint: 'check that the file system of the lock file supports flock',
          }),
        );
      }
    });
  });
}

function noFlock(cause: NodeJS.ErrnoException): KvError {
  const missing = cause.code === 'ENOENT';
  return new KvError('IO_ERROR', missing ? 'flock is not installed' : `cannot run flock: ${cause.message}`, {
    cause,
    hint: missing ? 'install util-linux, or name another leader-lock in the profile' : 'check the PATH of the Stargate',
  });
}
