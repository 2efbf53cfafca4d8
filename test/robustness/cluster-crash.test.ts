import { expect } from 'chai';
import type { ReplicaFailpoint } from '../../apps/stargate/cluster/member/failpoints.js';
import { judge } from '../chaos/cluster/judge.js';
import { ClusterPeople } from '../chaos/cluster/people.js';
import { Random } from '../simulation/random.js';
import type { ClusterServer } from '../support/worlds/cluster-server.js';
import { needs } from '../support/needs/needs.js';
import { until } from '../support/until.js';

type Point = ReplicaFailpoint | 'mirror-push' | 'mirror-pushed';

/** Each step of a write at which a leader can die, a standby, and who takes over. */
const POINTS: readonly Point[] = [
  ...(['lead-prepare', 'follow-prepare', 'lead-vote', 'follow-vote', 'lead-decide', 'claim-decide'] as const),
  ...(['lead-decided', 'claim-decided', 'follow-commit', 'lead-commit', 'follow-committed', 'lead-committed'] as const),
  ...(['mirror-push', 'mirror-pushed'] as const),
];
/** So many writes are to be acknowledged once nobody dies any more. */
const ENOUGH = 3;

describe('kill -9 of servers of a cluster', function () {
  this.timeout(240_000);

  it('at each step of prepare, vote, decide, commit and mirror loses nothing, and leaves nothing twice or half', async function () {
    needs(this, 'etcd');
    const people = await ClusterPeople.of(
      { servers: 3 },
      { streams: 1, callers: 1 },
      { random: new Random(1), over: () => false },
    );
    const { world, recorder } = people;
    const [stream, caller] = [people.streams[0], people.callers[0]];
    if (stream === undefined || caller === undefined) throw new Error('there is one of each');
    const left = [...POINTS];
    const armed = new Map<ClusterServer, Point>();
    const died: Point[] = [];
    const arm = (server: ClusterServer): void => {
      const point = left.shift();
      if (point === undefined) armed.delete(server);
      else armed.set(server, point);
      server.start(point);
    };
    /** Starts whoever has died again, armed with the next point. */
    const revive = (): boolean => {
      const dead = world.servers.filter(({ runs }) => !runs);
      for (const server of dead) {
        const point = armed.get(server);
        if (point !== undefined) died.push(point);
        arm(server);
      }
      return dead.length > 0;
    };
    /** Makes a write; tells whether somebody has died of it. */
    const write = async (by: () => Promise<void>): Promise<boolean> => {
      let over = false;
      let fell = false;
      const writing = by().finally(() => {
        over = true;
      });
      const isOver = (): boolean => {
        if (revive()) fell = true;
        return over;
      };
      await until('the write is over', isOver, { ms: 60_000, clue: () => world.logs() });
      await writing;
      return fell;
    };
    try {
      await write(() => caller.once('main'));
      await Promise.all(world.servers.map((server) => server.stop('SIGKILL').then(() => arm(server))));
      for (let turn = 0; died.length < POINTS.length; turn++) {
        if (await write(turn % 4 === 2 ? () => caller.once('main') : () => stream.once())) continue;
        // Nobody has come to its point: another is to lead.
        const leading = (): boolean => {
          revive(); // who has died after the write was over
          return world.servers.some(({ leads }) => leads);
        };
        await until('a server leads', leading, { clue: () => world.logs() });
        const leader = await world.leader();
        await leader.stop('SIGKILL');
        leader.start(armed.get(leader));
      }
      // How many were told of theirs meanwhile is chance; nothing stands in the way of these.
      const told = (): number => recorder.writes.filter(({ outcome }) => outcome === 'acknowledged').length;
      const before = told();
      for (let turn = 0; told() < before + ENOUGH && turn < 10 * ENOUGH; turn++) await write(() => stream.once());
      expect(told()).to.be.at.least(before + ENOUGH);
      await stream.end();
      for (const server of world.servers) await server.ready();
      await people.level();
      expect(await judge(world, recorder)).to.deep.equal([]);
      expect(died.sort()).to.deep.equal([...POINTS].sort());
    } finally {
      await world.close();
    }
  });
});
