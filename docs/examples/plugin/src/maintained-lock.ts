import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LeaderLock, OpenAdapter } from 'git-kv/ports';

/** flock(1), which nobody gets while the repository's folder has a file `maintenance`. Who holds it then goes on. */
export const open: OpenAdapter<unknown, LeaderLock> = async (_config, context) => {
  const flock = await context.open<LeaderLock>('leader-lock', 'lock-flock');
  const isMaintained = (): boolean => existsSync(join(context.directory, 'maintenance'));
  return {
    capabilities: flock.capabilities,
    acquire: async (holder) => (isMaintained() ? null : flock.acquire(holder)),
    holder: () => flock.holder(),
    close: () => flock.close(),
  };
};
