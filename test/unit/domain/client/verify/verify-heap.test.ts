import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { utf8 } from '../../../../../domain/git/bytes.js';
import { verifyClone } from '../../../../../domain/client/verify/verify.js';
import { write } from '../../../../../domain/client/write/write.js';
import { openMemoryPlace } from '../../../../support/memory/client.js';

const KEYS = 12_000;
/** What may live at any moment of a verification for each key that was verified, bytes of the heap and of buffers. */
const BYTES_A_KEY = 200;

const sets = () => Array.from({ length: KEYS }, (_, i) => ({ op: 'set' as const, key: `user:${i}:name`, value: utf8(`v${i}`) }));

describe('the memory of a verification', () => {
  it('does not grow with what it reads', async () => {
    const place = await openMemoryPlace('sha1', 'wendy');
    await write(place.clone, { ns: 'main', operations: sets() });
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const live = (): number => {
      gc();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    // Once before: what stays for good, as compiled code, is no memory of this one.
    await verifyClone(place.clone, place.verifier, { ns: 'main', full: false });
    for (let times = 0; times < 3; times++) {
      gc();
      await setTimeout(10); // buffers that nobody has any more are swept beside
    }
    const before = live();
    let [most, asked] = [0, 0];
    const onProgress = (): void => {
      // Each look costs a full collection.
      if (asked++ % 16 === 8) most = Math.max(most, live() - before);
    };
    const { faults, epochs } = await verifyClone(place.clone, place.verifier, { ns: 'main', full: false, onProgress });
    await place.close();
    expect(faults).to.deep.equal([]);
    expect(epochs[0]?.keys).to.equal(KEYS);
    expect(asked).to.be.greaterThan(16);
    expect(most / KEYS).to.be.lessThan(BYTES_A_KEY);
  });
});
