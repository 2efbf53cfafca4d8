import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import type { Random } from '../../simulation/random.js';
import type { ClusterServer } from '../../support/worlds/cluster-server.js';
import type { ClusterWorld } from '../../support/worlds/cluster-world.js';
import type { LinkWeather } from '../../support/worlds/link-proxy.js';
import { until } from '../../support/until.js';
import type { ClusterPeople } from './people.js';

/** Where something goes wrong. */
export interface Scene {
  readonly world: ClusterWorld;
  readonly people: ClusterPeople;
  readonly random: Random;
}

/** One thing that goes wrong: begins, and gives what ends it. Ending it brings everything back that it has taken away. */
export interface ClusterFault {
  readonly name: string;
  /** How long it lasts, from and to, ms. */
  readonly lasts: readonly [number, number];
  /** What it takes that this machine may not have; null: it is here. */
  readonly missing?: (world: ClusterWorld) => string | null;
  begin(scene: Scene): Promise<() => Promise<void>> | (() => Promise<void>);
}

/** Longer than the lease of a leader, which is two seconds. */
const PAST_LEASE = [3000, 4500] as const;
const SHORT = [800, 2500] as const;
/** Further off than servers let each other's clocks be, ms. */
const CLOCK_OFF = 90_000;
/** How much later bytes come by slow links, ms. */
const SLOW_MS = 300;
const LOST = { requestsLost: true, answersLost: true } as const;

const leaderOf = ({ world, random }: Scene): ClusterServer =>
  world.servers.find(({ leads }) => leads) ?? random.pick(world.servers);
const standbyOf = ({ world, random }: Scene): ClusterServer => random.pick(world.servers.filter(({ leads }) => !leads));
const anyOf = ({ world, random }: Scene): ClusterServer => random.pick(world.servers);

const killed = (pick: (scene: Scene) => ClusterServer) => async (scene: Scene) => {
  const server = pick(scene);
  await server.stop('SIGKILL');
  return () => revive(server);
};

async function revive(server: ClusterServer): Promise<void> {
  if (!server.runs) server.start();
  await server.ready();
}

/** Gives a server's own links, and those of others to it, a weather. `to` chooses among its own. */
const linked =
  (pick: (scene: Scene) => ClusterServer, weather: LinkWeather, { to = /^/, others = false } = {}) =>
  (scene: Scene) => {
    const { world } = scene;
    const server = pick(scene);
    const links = [...world.links].filter(([name]) => {
      const [from = '', end = ''] = name.split('>');
      return (from === server.name && to.test(end)) || (others && end === server.name);
    });
    for (const [, link] of links) link.become(weather);
    return async () => {
      for (const [, link] of links) link.become({});
    };
  };

const etcdDown =
  (count: (members: number) => number) =>
  async ({ world, random }: Scene) => {
    const down = [...world.etcds].sort(() => random.next() - 0.5).slice(0, count(world.etcds.length));
    await Promise.all(down.map((etcd) => etcd.halt()));
    return async () => void (await Promise.all(down.map((etcd) => etcd.resume())));
  };

/** No file of a server, or of what it starts from now on, may grow: what a full disk is where none can be mounted. */
function limit({ pid }: ClusterServer, bytes: string): void {
  if (pid !== undefined) spawnSync('prlimit', [`--pid=${pid}`, `--fsize=${bytes}:`]);
}

/** All that a cluster has to live through. */
export const FAULTS: readonly ClusterFault[] = [
  { name: 'the leader is killed', lasts: SHORT, begin: killed(leaderOf) },
  { name: 'a standby is killed', lasts: SHORT, begin: killed(standbyOf) },
  {
    name: 'the leader is stopped past its lease',
    lasts: PAST_LEASE,
    begin(scene) {
      const server = leaderOf(scene);
      server.signal('SIGSTOP');
      return async () => server.signal('SIGCONT');
    },
  },
  { name: 'the leader is cut off from all', lasts: PAST_LEASE, begin: linked(leaderOf, LOST, { others: true }) },
  {
    name: 'the leader is cut off from the others, not from etcd',
    lasts: [5000, 7000],
    begin: linked(leaderOf, LOST, { to: /^server/, others: true }),
  },
  { name: 'a standby is cut off from all', lasts: SHORT, begin: linked(standbyOf, LOST, { others: true }) },
  {
    name: 'what one server asks the others is lost',
    lasts: SHORT,
    begin: linked(anyOf, { requestsLost: true }, { to: /^server/ }),
  },
  {
    name: 'what the others answer one server is lost',
    lasts: SHORT,
    begin: linked(anyOf, { answersLost: true }, { to: /^server/ }),
  },
  { name: 'the leader is cut off from etcd', lasts: PAST_LEASE, begin: linked(leaderOf, LOST, { to: /^etcd/ }) },
  {
    name: 'the leader is cut off from one member of etcd',
    lasts: PAST_LEASE,
    begin: linked(leaderOf, LOST, { to: /^etcd-1$/ }),
  },
  { name: 'a member of etcd is killed', lasts: SHORT, begin: etcdDown(() => 1) },
  { name: 'a majority of etcd is killed', lasts: SHORT, begin: etcdDown((members) => (members >> 1) + 1) },
  { name: 'a standby is slow', lasts: SHORT, begin: linked(standbyOf, { delayMs: SLOW_MS }, { others: true }) },
  {
    name: "a server's disk is full",
    lasts: SHORT,
    begin(scene) {
      const server = anyOf(scene);
      if (server.disk === null) limit(server, '0');
      else server.disk.fill();
      return async () => {
        if (server.disk === null) limit(server, 'unlimited');
        else server.disk.clear();
        await revive(server);
      };
    },
  },
  {
    name: "a server's disk is read-only",
    lasts: SHORT,
    missing: ({ servers }) => (servers.every(({ disk }) => disk !== null) ? null : 'mounting is not allowed'),
    async begin(scene) {
      const server = anyOf(scene);
      // Linux refuses it while a file is open for writing, as a journal is: the process goes, and comes back to such a disk.
      await server.stop('SIGKILL');
      await until('its processes have ended, and the disk is read-only', () => server.disk?.readOnly(true) === true);
      server.start();
      return async () => {
        server.disk?.readOnly(false);
        await revive(server);
      };
    },
  },
  {
    name: "a server's clock is moved",
    lasts: [2500, 4000],
    async begin(scene) {
      const server = anyOf(scene);
      const move = async (ms: number): Promise<void> => {
        await writeFile(server.clockFile, String(ms));
        server.signal('SIGUSR2');
      };
      await move(scene.random.pick([-CLOCK_OFF, CLOCK_OFF]));
      return () => move(0);
    },
  },
  {
    name: 'clients are killed',
    lasts: [50, 200],
    begin({ people, random }) {
      if (people.callers.length > 0) random.pick(people.callers).kill();
      if (people.streams.length > 0) random.pick(people.streams).kill();
      return async () => undefined;
    },
  },
];
