import { expect } from 'chai';
import type { Clone } from '../../../../../domain/client/clone/clone.js';
import { lineIsFull, whenRoom } from '../../../../../domain/client/remote/patience.js';
import { pauseBeforeLine, takeTurn } from '../../../../../domain/client/write/linear/line/turn.js';
import { KvError } from '../../../../../ports/error.js';
import { SeededRandomness } from '../../../../support/memory/memory.js';

const full = (): KvError => new KvError('BUSY', 'as many as may', { details: { standing: 72, turn_ms: 250 } });
const GRANTED = { ns: 'main', token: 'f'.repeat(32), lasts_ms: 10_000, ledger: null, index: null };

/** A clone whose Stargate answers one thing after the other, the last for ever, and a clock that only pauses move. */
function asking(answers: readonly (KvError | 'granted')[]) {
  let [now, asked] = [0, 0];
  const pauses: number[] = [];
  const warned: string[] = [];
  const clone = {
    onWarning: (text: string) => warned.push(text),
    remoteName: 'origin',
    remotes: {},
    clock: {
      now: () => now,
      async sleep(ms: number) {
        pauses.push(ms);
        now += ms;
      },
    },
    stargate: {
      async hold() {
        const answer = answers[Math.min(asked++, answers.length - 1)];
        if (answer !== 'granted') throw answer;
        return { answer: GRANTED, release: () => undefined };
      },
    },
  } as unknown as Clone; // all that a turn asks of it
  const ports = { randomness: new SeededRandomness(3) };
  return { pauses, warned, turn: () => takeTurn(clone, ports, 'main'), asked: () => asked };
}

describe('a line for turns that is full', () => {
  it('is asked again after about a part of it, and in the end there is room', async () => {
    const { turn, pauses, asked, warned } = asking([full(), full(), 'granted']);
    expect(await turn()).to.include({ token: GRANTED.token });
    expect(asked()).to.equal(3);
    expect(warned, 'told once what is waited for').to.deep.equal(['as many as may: waiting for a place in line']);
    for (const pause of pauses) expect(pause).to.be.within(2250, 4500);
  });

  it('is given up after two minutes, when luck decides', async () => {
    const { turn, pauses } = asking([full()]);
    expect(await turn()).to.equal(null);
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).to.be.within(120_000, 125_000);
  });

  it('is no line where the Stargate knows none: nothing is waited for', async () => {
    for (const code of ['USAGE', 'BUSY', 'NOT_LEADER'] as const) {
      const { turn, pauses, asked } = asking([new KvError(code, 'no')]);
      expect([await turn(), pauses, asked()]).to.deep.equal([null, [], 1]);
    }
  });

  it('has pauses that are neither too short nor too long', () => {
    expect(pauseBeforeLine({ standing: 1, turnMs: 1 }, 0)).to.equal(200);
    expect(pauseBeforeLine({ standing: 512, turnMs: 30_000 }, 255)).to.equal(10_000);
    expect([0, 255].map((byte) => pauseBeforeLine({ standing: 40, turnMs: 200 }, byte))).to.deep.equal([1000, 2000]);
  });

  it('is not what waiting for room is for', async () => {
    let attempts = 0;
    const waiting = {
      clock: { now: () => 0 } as never,
      randomness: async () => ({}) as never,
      onWait: () => expect.fail('nobody waits'),
    };
    const error = await whenRoom(waiting, async () => {
      attempts++;
      throw full();
    }).catch((thrown: unknown) => thrown);
    expect([(error as KvError).code, attempts]).to.deep.equal(['BUSY', 1]);
    expect(lineIsFull(new KvError('BUSY', 'no room', { details: { limit: 96, of: 'key', what: 'connections' } }))).to.equal(null);
  });
});
