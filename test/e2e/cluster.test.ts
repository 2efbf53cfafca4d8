import { expect } from 'chai';
import { ClusterWorld } from '../support/cluster-world.js';
import { until } from '../support/until.js';

describe('a cluster of Stargates', function () {
  this.timeout(180_000);
  let world: ClusterWorld | undefined;
  afterEach(async () => {
    await world?.close();
  });

  it('keeps what was acknowledged when its leader is killed or paused, and goes on under another', async () => {
    const made = await ClusterWorld.create({ servers: 3 });
    world = made;
    const first = await made.leader();
    await made.makeClone();
    const set = async (key: string, to = first) => {
      const ran = await made.kv(['set', `k:${key}`, `value of ${key}`], to);
      expect(ran.code, `${ran.stderr}\n${made.logs()}`).to.equal(0);
    };
    await set('before');
    await made.level();

    await first.stop('SIGKILL');
    const killed = performance.now();
    const second = await made.leader();
    const tookOver = performance.now() - killed;
    expect(second).to.not.equal(first);
    await set('after', second);
    for (const key of ['before', 'after'])
      expect((await made.kv(['get', `k:${key}`, '--read-from=stargate'], second)).stdout).to.equal(`value of ${key}`);
    expect(tookOver).to.be.lessThan(15_000); // five seconds on a machine that has nothing else to do

    first.start();
    await first.ready();
    await made.level();

    second.signal('SIGSTOP');
    await until('another leads', () => made.servers.some((server) => server !== second && server.leads), {
      clue: () => made.logs(),
    });
    const third = made.servers.find((server) => server !== second && server.leads);
    await set('paused', third);
    second.signal('SIGCONT');
    await until('the paused one has noticed', () => !second.leads);
    await made.level();
  });
});
