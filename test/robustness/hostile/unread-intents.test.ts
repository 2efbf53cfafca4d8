import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect } from 'chai';
import { encodeFrame, encodeObjects } from '../../../domain/git/wire/intent-frames.js';
import { KvError } from '../../../ports/error.js';
import { IntentClient, worldIntents } from '../../support/programs/intent-stream.js';
import { World } from '../../support/worlds/world.js';

const INTENTS = 10_000;
/** What the daemon may have in memory at the most above what it had before, MiB: all that is sent, and all answers, would be several times as much. */
const ROOM = 80;
/** What is deleted, and was never there: each answer names all of it. */
const ABSENT = Array.from({ length: 25 }, (_, i) => `${'k'.repeat(500)}${i}`);

describe('hostile: 10,000 intents whose answers nobody reads', function () {
  this.timeout(120_000);
  let world: World;
  before(async () => {
    world = await World.create({
      alone: true,
      writers: ['ada', 'bob'],
      // Some under way at a time fill what may be unread as well as many, and sooner.
      policy: (text) =>
        text
          .replace('ledger_mode: linear', 'ledger_mode: sequenced')
          .replace('\nstargate:\n', '\nstargate:\n  limits: { intents_open: 16 }\n'),
    });
  });
  after(() => world.close());

  const most = async (): Promise<number> => {
    const status = await readFile(`/proc/${world.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
  };

  it('are taken no further than there is room for answers, and others are served', async () => {
    const bob = IntentClient.open(world, 'bob');
    const maker = worldIntents(world, (await bob.greeting()).repository);
    const honest = async (n: number): Promise<void> => {
      bob.send((await maker.make('bob', { set: { [`honest:${n}`]: 'x' } })).objects);
      const { outcome } = await bob.answer();
      expect(KvError.is(outcome), String(outcome)).to.equal(false);
    };
    await honest(0);
    const client = IntentClient.open(world, 'ada');
    await client.greeting();
    const { stdin, stdout } = client.process;
    stdout?.pause();
    const before = await most();
    const { objects } = await maker.make('ada', { del: ABSENT });
    const frame = encodeFrame('I', encodeObjects(objects));
    const sent = (async () => {
      for (let i = 0; i < INTENTS && stdin?.destroyed === false; i++) {
        if (stdin.write(frame)) continue;
        await once(stdin, 'drain').catch(() => undefined); // or it is killed
      }
    })();
    // Until nothing is taken any more: the same is left after several intents of another writer's.
    let written = -1;
    for (let n = 1, same = 0; same < 3; n++) {
      await honest(n);
      const now = (stdin as Socket).bytesWritten;
      same = now === written ? same + 1 : 0;
      written = now;
    }
    expect(written, 'it has stopped taking them').to.be.lessThan(INTENTS * frame.length);
    expect((await most()) - before, 'memory at the most').to.be.below(ROOM);
    await honest(-1);
    client.kill();
    await Promise.all([sent, client.ended]);
    bob.end();
    expect(await bob.ended).to.equal(0);
  });
});
