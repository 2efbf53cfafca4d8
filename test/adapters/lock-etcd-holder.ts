// A process that takes a lock in etcd and keeps it: `node lock-etcd-holder.js <endpoint> <key> <ttl seconds>` prints its term.
import { open } from '../../adapters/lock-etcd/open.js';
import { holdAndAnswer } from '../support/programs/holder-process.js';
import { alone } from '../support/alone.js';

const [endpoint = '', key = '', ttl = ''] = process.argv.slice(2);
const context = alone();
await holdAndAnswer(await open({ endpoints: [endpoint], key, ttl: Number(ttl), timeoutMs: 1000 }, context));
