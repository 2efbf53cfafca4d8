// A process that takes a lease and keeps it: `node example-lock-file-holder.js <folder> <ttlMs>` prints its term.
import { openFileLock } from '../../plugins/example-lock-file/open.js';
import { holdAndAnswer } from '../support/programs/holder-process.js';

const [, , folder, ttlMs] = process.argv;
if (folder === undefined) throw new Error('want the folder');
await holdAndAnswer(await openFileLock({ folder, ttlMs: Number(ttlMs) }));
