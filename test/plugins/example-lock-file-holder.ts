// A process that takes a lease and keeps it: `node example-lock-file-holder.js <folder> <ttlMs>` prints its term.
import { openFileLock } from '../../plugins/example-lock-file/open.js';

const [, , folder, ttlMs] = process.argv;
if (folder === undefined) throw new Error('want the folder');
const lease = await (await openFileLock({ folder, ttlMs: Number(ttlMs) })).acquire('holder process');
process.stdout.write(`${lease?.term ?? 'taken'}\n`);
setInterval(() => undefined, 60_000);
