/** Counts up, however many others do the same. `node errors.js CLONE` */
import { KvError, openClone } from 'git-kv/client';

await using clone = await openClone({ directory: process.argv[2] ?? '.', readFrom: 'stargate' });

for (;;) {
  const now = await clone.get('cfg:counter').catch((error: unknown) => {
    if (KvError.is(error) && error.code === 'NOT_FOUND') return null;
    throw error;
  });
  const next = Number(now?.text() ?? '0') + 1;
  try {
    await clone.cas('cfg:counter', String(next), { expect: now?.oid ?? null });
    console.log(`counted to ${next}`);
    break;
  } catch (error) {
    if (!KvError.is(error) || error.code !== 'CAS_CONFLICT') throw error;
    console.log('somebody else has counted: again');
  }
}
