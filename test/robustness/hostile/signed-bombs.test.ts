import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { rejectionIn } from '../../support/failure.js';
import { collected } from '../../support/programs/processes.js';
import { World } from '../../support/worlds/world.js';
import type { Victim } from './attacks/address-forge.js';
import { hugeManifests, longNames, manyManifests, shardBombs, treeBombs } from './attacks/signed-bombs.js';

/** What the daemon may have in memory at the most above what it had before, MiB. */
const ROOM = 100;
/** For an answer of the daemon while it is attacked, ms. */
const DEAF = 3000;

/** Asks an address again and again until its input ends, and prints the longest time to an answer, ms. */
const ASKING = `
  let [over, slowest] = [false, 0];
  process.stdin.resume().on('end', () => (over = true));
  const ask = async () => {
    const asked = performance.now();
    await (await fetch(process.argv[1])).text();
    slowest = Math.max(slowest, performance.now() - asked);
    if (over) console.log(slowest);
    else setTimeout(ask, 20);
  };
  fetch(process.argv[1]).then((first) => first.text()).then(ask);`;

describe('hostile: signed transactions that are small and unpack to much', function () {
  this.timeout(60_000);
  let world: World;
  let victim: Victim;
  before(async () => {
    world = await World.create({ writers: ['ada'] });
    await world.stop();
    await world.start({ NODE_OPTIONS: '--max-old-space-size=256' });
    victim = { host: '127.0.0.1', port: world.port, path: 'kv.git', keyFile: world.key('ada') };
  });
  after(() => world.close());

  const memory = async (name: 'VmRSS' | 'VmHWM'): Promise<number> => {
    const status = await readFile(`/proc/${world.pid}/status`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  };

  /** How long the daemon was deaf at the most while something went on, ms: a process of its own asks, since making bombs keeps this one busy. */
  const deafness = async (during: () => Promise<unknown>): Promise<number> => {
    const asking = spawn(process.execPath, ['-e', ASKING, `${world.http}/healthz`], { stdio: ['pipe', 'pipe', 'inherit'] });
    const printed = collected(asking);
    await during();
    asking.stdin.end();
    return Number((await printed).stdout);
  };

  const attacks: [string, string, (to: Victim, ms: number) => Promise<string>][] = [
    ['a million directories', 'is a directory that has no place there', treeBombs],
    ['sixteen million directories in which keys could lie', 'is the same directory as another one', shardBombs],
    ['a file name of 8 MB', 'has a name that is longer', longNames],
    ['manifests of 60 MB', 'more than the', (to, ms) => hugeManifests(to, ms, 1)],
    ['manifests that are as long as they may be', 'is missing or has the wrong type', (to, ms) => manyManifests(to, ms, 10)],
  ];
  for (const [what, says, attack] of attacks) {
    it(`${what}: refused, in little memory and without being deaf`, async () => {
      const before = await memory('VmRSS');
      let said = '';
      const deaf = await deafness(async () => (said = await attack(victim, 1)));
      expect(rejectionIn(said)?.message, said.slice(0, 500)).to.contain(says);
      expect((await memory('VmHWM')) - before, 'memory at the most').to.be.below(ROOM);
      expect(deaf, 'longest time without an answer').to.be.below(DEAF);
    });
  }
});
