import { expect } from 'chai';
import { LockPlace, openMemoryLock } from '../../adapters/lock-memory/open.js';
import { openProfile, parseProfile } from '../../plugins/host/index.js';
import type { LeaderLock } from '../../ports/index.js';
import { leaderLockContract } from '../contracts/leader-lock.js';
import { thrownBy } from '../contracts/mirror-target.js';

leaderLockContract('lock-memory', async () => {
  const place = new LockPlace();
  return {
    takeoverMs: 0,
    open: async () => openMemoryLock(place),
    // The lock lives in this process alone, so its holder can't be killed without it: its lease is taken away instead.
    async holderProcess() {
      const lease = await openMemoryLock(place).acquire('holder process');
      return { term: lease?.term ?? 0, kill: async () => place.depose() };
    },
    depose: async () => place.depose(),
    dispose: async () => undefined,
  };
});

describe('lock-memory', () => {
  it('grants nothing once it is closed', async () => {
    const lock = openMemoryLock(new LockPlace());
    await lock.close();
    expect((await thrownBy(lock.acquire('late'))).code).to.equal('IO_ERROR');
  });

  it('is one for the compositions that name its place, and each one’s own without a name', async () => {
    const opened = async (adapter: string): Promise<LeaderLock> => {
      const profile = await parseProfile(`name: shared\nadapters: { leader-lock: ${adapter} }\n`, 'shared.yaml');
      return (await openProfile(profile, { directory: '/nonexistent', env: {} })).get<LeaderLock>('leader-lock');
    };
    const named = '{ use: lock-memory, config: { place: lock-memory.test } }';
    const first = await opened(named);
    expect((await first.acquire('a'))?.term).to.equal(1);
    expect(await (await opened(named)).acquire('b')).to.equal(null);
    await first.close();
    expect((await (await opened(named)).acquire('c'))?.term, 'a term is never granted twice').to.equal(2);
    for (const name of ['d', 'e']) expect((await (await opened('lock-memory')).acquire(name))?.term).to.equal(1);
  });
});
