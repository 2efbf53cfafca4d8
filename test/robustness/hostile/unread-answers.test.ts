import { expect } from 'chai';
import type { World } from '../../support/worlds/world.js';
import { globalRequests } from './attacks/global-requests.js';
import { ignoredWindow } from './attacks/ignored-window.js';
import { requestsAfterLogin } from './attacks/requests-after-login.js';
import { addressOf, memoryOf, smallDaemon, timedStatus } from './daemon-under-attack.js';

/** How long an attack goes on when nobody ends it, ms. */
const UNBOUNDED = 15_000;
/** What the daemon may have in memory above what it had before, MiB: unbounded, an attack of this length costs a hundred and more. */
const ROOM = 50;
/** For a status of somebody else while an attack goes on, ms; it is 150 on an idle machine. */
const SLOWEST = 5000;

describe('hostile: answers that nobody reads', function () {
  this.timeout(60_000);
  let world: World;
  before(async () => {
    world = await smallDaemon({ writers: ['ada'], readers: ['rob'] });
    await timedStatus(world, 'ada');
  });
  after(() => world.close());

  /** Makes an attack twice at a time, and asks for the status meanwhile. */
  const endsSoon = async (attack: () => Promise<boolean>): Promise<void> => {
    const before = await memoryOf(world);
    const attacking = Promise.all([attack(), attack()]);
    const [status, thrownOut] = [await timedStatus(world, 'ada'), await attacking];
    const after = await memoryOf(world);
    expect(thrownOut).to.deep.equal([true, true]);
    expect(after.most - before.now, 'memory at the most').to.be.below(ROOM);
    expect(status, 'status of somebody else').to.be.below(SLOWEST);
  };

  it('throws out who asks for replies before it logs in', () => endsSoon(() => globalRequests(addressOf(world), UNBOUNDED)));

  it('throws out who asks for replies without end once it has logged in, read or unread', async () => {
    await endsSoon(() => requestsAfterLogin(addressOf(world), world.key('rob'), UNBOUNDED));
    await endsSoon(() => requestsAfterLogin(addressOf(world), world.key('rob'), UNBOUNDED, { reads: true }));
  });

  it('throws out who sends more than its window has room for', () =>
    endsSoon(() => ignoredWindow(addressOf(world), world.key('rob'), 'kv.git', UNBOUNDED)));
});
