/** Gives a read a second, and a clone an end. `node cancel.js CLONE` */
import { KvError, openClone } from 'git-kv/client';

await using clone = await openClone({ directory: process.argv[2] ?? '.' });

try {
  await clone.get('cfg:color', { signal: AbortSignal.timeout(1000) });
} catch (error) {
  if (!KvError.is(error) || error.code !== 'INTERRUPTED') throw error;
  console.log('it took too long');
}

const controller = new AbortController();
const writing = clone.set('cfg:color', 'red', { signal: controller.signal });
controller.abort();
try {
  await writing;
} catch (error) {
  if (!KvError.is(error)) throw error;
  // Whether it has landed is 'unknown' only where the push had begun, and the Stargate did not answer for 5 s.
  console.log(error.code, error.details?.['landed'] ?? 'nothing was written');
}
