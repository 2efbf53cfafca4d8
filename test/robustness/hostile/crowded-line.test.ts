import { expect } from 'chai';
import { World } from '../../support/worlds/world.js';
import { type Crowded, crowdedLine, type Crowding } from './attacks/crowded-line.js';
import { addressOf, memoryOf, smallDaemon } from './daemon-under-attack.js';
import { MOST_MIB } from './survival.js';

/** How long a turn may last, and a push in it, in this test. */
const TURN_MS = 2000;
const PUSH_MS = 4000;
/** What a write may take beside the turn that it waits for: the machine is busy with a hundred connections. */
const BUSY_MS = 6000;

describe('hostile: one key that crowds the line for turns', function () {
  this.timeout(120_000);
  let world: World;
  before(async () => {
    world = await smallDaemon(
      {
        writers: ['ada', 'eve', 'mal', 'zoe'],
        policy: (text) =>
          text.replace('admins:', `limits: { turn_time: ${TURN_MS / 1000}s, turn_push: ${PUSH_MS / 1000}s }\n  admins:`),
      },
      'ulimit -n 1000',
    );
    await world.clone('ada');
    expect((await world.kv('ada', ['set', 'honest', 'first'])).code).to.equal(0);
  });
  after(() => world?.close());

  /** Writes of `ada` meanwhile, ms each. */
  async function besides(
    who: string,
    how: Crowding,
    ms: number,
  ): Promise<{ readonly writes: number[]; readonly crowded: Crowded }> {
    let over = false;
    const to = { ...addressOf(world), path: 'kv.git', keyFile: world.key(who) };
    const crowding = crowdedLine(to, 'main', how, ms).finally(() => (over = true));
    await world.until('a line', async () => ((await waiting()) ?? 0) >= 30);
    const writes: number[] = [];
    for (let i = 0; !over; i++) {
      const began = performance.now();
      const { code, stderr } = await world.kv('ada', ['set', 'honest', `${how} ${i}`]);
      expect(code, stderr).to.equal(0);
      writes.push(performance.now() - began);
    }
    return { writes, crowded: await crowding };
  }

  /** How many stand in line; undefined: a hundred come from this very address, and who asked was turned away with some of them. */
  async function waiting(): Promise<number | undefined> {
    const { stdout } = await world.kv('ada', ['stargate', 'status', '--json']);
    const { status } = JSON.parse(stdout) as { status?: { turns: { waiting: number }[] } };
    return status && (status.turns[0]?.waiting ?? 0);
  }

  // Each with a key of its own, that has let no turn go by yet.
  for (const [who, how, held] of [
    ['eve', 'never pushes', TURN_MS],
    ['mal', 'hangs up', TURN_MS],
    ['zoe', 'trickles', PUSH_MS],
  ] as const) {
    it(`a writer with another key waits for one turn of it, which ${how}`, async () => {
      const { pid } = world;
      const { writes, crowded } = await besides(who, how, 12_000);
      expect(crowded.turns).to.be.at.least(1);
      // Where half hang up, there may be room for all who come.
      if (how !== 'hangs up') expect(crowded.said, 'told to who has the same key').to.match(/with this key.*keys of their own/);
      expect(writes, 'it is served again and again').to.have.length.at.least(3);
      expect(Math.max(...writes)).to.be.below(held + BUSY_MS);
      expect((await memoryOf(world)).most).to.be.below(MOST_MIB);
      expect(world.pid).to.equal(pid);
      await world.until('an empty line', async () => (await waiting()) === 0);
    });
  }
});
