/** Follows what others change, and remembers where to go on. `node watch.js CLONE [SINCE]` */
import { openClone } from 'git-kv/client';

const [directory = '.', since] = process.argv.slice(2);
await using clone = await openClone({ directory, readFrom: 'stargate' });

const controller = new AbortController();
process.once('SIGINT', () => controller.abort());
const watch = clone.watch({ prefix: 'cfg:', since, signal: controller.signal, limit: 2 });
for await (const { keys, signer } of watch) console.log(signer, keys?.set, keys?.del);
console.log(`resume from ${watch.resumeFrom}`);
