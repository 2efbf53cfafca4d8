import { expect } from 'chai';
import { until } from '../../support/until.js';
import { World } from '../../support/worlds/world.js';
import { idlePushes } from './attacks/idle-pushes.js';

describe('hostile: pushes that take all descriptors', function () {
  this.timeout(60_000);
  let world: World;
  before(async () => {
    world = await World.create({ writers: ['ada', 'eve'] });
    await world.clone('ada');
    await world.stop();
    await world.start({}, 'ulimit -n 128');
  });
  after(() => world?.close());

  it('are told that there is no room, and end the daemon not', async () => {
    const to = { host: '127.0.0.1', port: world.port, path: 'kv.git' };
    const said = await idlePushes(to, [world.key('ada'), world.key('eve')], { pushes: 16, ms: 3000 });
    expect(said, world.daemonLog()).to.contain('"code":"BUSY"');
    expect(said).to.not.contain('UNEXPECTED');
    // Their ends are noticed one after the other.
    const written = async () => (await world.kv('ada', ['set', 'a', 'after'])).code === 0;
    await until('the next writer is served', written, { clue: () => world.daemonLog() });
    expect(world.daemonLog()).to.not.match(/"level":"error"/);
  });
});
