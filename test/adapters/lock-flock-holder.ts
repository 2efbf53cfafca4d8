// A process that takes a lock and keeps it: `node lock-flock-holder.js <path>` prints its term.
import { openFlockLock } from '../../adapters/lock-flock/open.js';
import { holdAndAnswer } from '../support/programs/holder-process.js';

const path = process.argv[2];
if (path === undefined) throw new Error('want the lock file');
await holdAndAnswer(await openFlockLock({ path }));
