import { mkdir } from 'node:fs/promises';
import type { Composition } from '../../../plugins/host/index.js';
import { KvError } from '../../../ports/error.js';
import type { LeaderLock } from '../../../ports/stargate/leader-lock.js';
import type { ApiLog } from '../requests/log.js';

/** Makes the folder of all that is kept, for its owner alone. Throws `IO_ERROR`. */
export async function makeDataFolder(data: string): Promise<void> {
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new KvError('IO_ERROR', `cannot make the data folder '${data}': ${(cause as Error).message}`, { cause });
  }
}

/**
 * Takes the data folder for this process, until it dies or calls the answer. Throws `CONFIG_INVALID` where another has it: two would
 * move the same refs, each by what it has in memory.
 */
export async function lockDataFolder(
  composition: Pick<Composition, 'open'>,
  data: string,
  log: ApiLog,
): Promise<() => Promise<void>> {
  const lock = await composition.open<LeaderLock>('leader-lock', 'lock-flock', { path: 'server.lock' });
  const lease = await lock.acquire(`git-kv-api (process ${process.pid})`);
  if (lease === null) {
    const holder = await lock.holder();
    await lock.close();
    throw new KvError('CONFIG_INVALID', `the data folder '${data}' is in use by ${holder?.name ?? 'another server'}`, {
      hint: 'end that server first, or give this one a folder of its own (GIT_KV_API_DATA)',
    });
  }
  lease.lost.addEventListener('abort', () =>
    log('ERROR', 'the lock of the data folder is lost: no other server may be started on it'),
  );
  return () => lock.close();
}
