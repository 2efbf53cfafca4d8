import { writeFile } from 'node:fs/promises';
import type { World } from '../../support/worlds/world.js';
import { crowdedLine } from './attacks/crowded-line.js';
import { deltaBombs } from './attacks/delta-bomb.js';
import { globalRequests } from './attacks/global-requests.js';
import { halfSentRequests } from './attacks/half-sent-requests.js';
import { handshakeStorm } from './attacks/handshake-storm.js';
import { idleCommands } from './attacks/idle-commands.js';
import { idlePushes } from './attacks/idle-pushes.js';
import { ignoredWindow } from './attacks/ignored-window.js';
import { requestsAfterLogin } from './attacks/requests-after-login.js';
import { shallowLines } from './attacks/shallow-lines.js';
import { hugeManifests, longNames, manyManifests, shardBombs, treeBombs } from './attacks/signed-bombs.js';
import { addressOf, memoryOf } from './daemon-under-attack.js';

/** As much as a daemon with a heap of 256 MB may ever have in memory, buffers outside of the heap included. MiB. */
export const MOST_MIB = 400;

/** An attack by whoever it takes for it, for some time. */
interface Attack {
  readonly name: string;
  readonly who: string;
  run(world: World, ms: number): Promise<unknown>;
}

const PATH = 'kv.git';
const victim = (world: World, person: string) => ({ ...addressOf(world), path: PATH, keyFile: world.key(person) });

/** Everything that is known to have hurt a Stargate, each by the least of those who can do it: `eve` writes, `rob` and `ron` read. */
export const ATTACKS: readonly Attack[] = [
  { name: 'requests before a login, answers unread', who: 'nobody', run: (world, ms) => globalRequests(addressOf(world), ms) },
  { name: 'handshakes from many addresses', who: 'nobody', run: (world, ms) => handshakeStorm(addressOf(world), ms) },
  { name: 'HTTP requests that are not ended', who: 'nobody', run: (world, ms) => halfSentRequests(httpOf(world), ms) },
  {
    name: "more than a channel's window",
    who: 'reader',
    run: (world, ms) => ignoredWindow(addressOf(world), world.key('rob'), PATH, ms),
  },
  {
    name: 'requests after a login, answers unread',
    who: 'reader',
    run: (world, ms) => requestsAfterLogin(addressOf(world), world.key('rob'), ms),
  },
  {
    name: 'fetches on which nothing moves',
    who: 'readers',
    run: (world, ms) =>
      idleCommands(addressOf(world), [world.key('rob'), world.key('ron')], `git-upload-pack '${PATH}'`, { each: 24, ms }),
  },
  {
    name: 'pushes on which nothing moves',
    who: 'writer',
    run: (world, ms) => idlePushes({ ...addressOf(world), path: PATH }, [world.key('eve')], { pushes: 64, ms }),
  },
  {
    name: 'a line full of one key, whose turns go by',
    who: 'writer',
    run: (world, ms) => crowdedLine(victim(world, 'eve'), 'main', 'never pushes', ms),
  },
  {
    name: 'a line full of one key, of which half hang up',
    who: 'writer',
    run: (world, ms) => crowdedLine(victim(world, 'eve'), 'main', 'hangs up', ms),
  },
  {
    name: 'a line full of one key, whose pushes do not end',
    who: 'writer',
    run: (world, ms) => crowdedLine(victim(world, 'eve'), 'main', 'trickles', ms),
  },
  { name: 'deltas of a gigabyte', who: 'writer', run: (world, ms) => deltaBombs(victim(world, 'eve'), ms) },
  { name: '8 MB of shallow lines', who: 'writer', run: (world, ms) => shallowLines(victim(world, 'eve'), ms) },
  { name: 'a million directories', who: 'writer', run: (world, ms) => treeBombs(victim(world, 'eve'), ms) },
  { name: 'sixteen million places for keys', who: 'writer', run: (world, ms) => shardBombs(victim(world, 'eve'), ms) },
  { name: 'names of 8 MB', who: 'writer', run: (world, ms) => longNames(victim(world, 'eve'), ms) },
  { name: 'four manifests of 60 MB', who: 'writer', run: (world, ms) => hugeManifests(victim(world, 'eve'), ms) },
  { name: 'fifty manifests of 1.5 MB', who: 'writer', run: (world, ms) => manyManifests(victim(world, 'eve'), ms) },
];

function httpOf(world: World): { host: string; port: number } {
  const { hostname, port } = new URL(world.http);
  return { host: hostname, port: Number(port) };
}

/** What an honest writer and the daemon went through meanwhile. Milliseconds, and MiB of the daemon's process. */
export interface Endured {
  readonly what: string;
  readonly who: string;
  readonly writes: readonly number[];
  readonly failed: readonly string[];
  readonly peak: number;
}

/** Runs attacks at the same time while `ada` writes one value after the other, `atLeast` of them. */
export async function endure(world: World, attacks: readonly Attack[], ms: number, atLeast = 2): Promise<Endured> {
  await writeFile(`/proc/${world.pid}/clear_refs`, '5'); // the peak is counted from here
  let over = false;
  const attacking = Promise.all(attacks.map((attack) => attack.run(world, ms).catch(() => undefined))).finally(
    () => (over = true),
  );
  const writes: number[] = [];
  const failed: string[] = [];
  for (let i = 0; !over || writes.length + failed.length < atLeast; i++) {
    const begun = performance.now();
    const { code, stderr } = await world.kv('ada', ['set', 'honest', `${i} of ${attacks.length}`]);
    if (code === 0) writes.push(performance.now() - begun);
    else failed.push(stderr);
  }
  await attacking;
  const { most: peak } = await memoryOf(world);
  return {
    what: attacks.map(({ name }) => name).join(' + '),
    who: attacks.map(({ who }) => who).join(', '),
    writes,
    failed,
    peak,
  };
}
