// A process that takes a lock and keeps it: `node lock-flock-holder.js <path>` prints its term.
import { openFlockLock } from '../../adapters/lock-flock/open.js';

const path = process.argv[2];
if (path === undefined) throw new Error('want the lock file');
const lease = await (await openFlockLock({ path })).acquire('holder process');
process.stdout.write(`${lease?.term ?? 'taken'}\n`);
setInterval(() => undefined, 60_000);
