import { expect } from 'chai';
import { NO_ROOM_MS, patientRemote, whenRoom } from '../../../../domain/client/remote/patience.js';
import { KvError } from '../../../../ports/error.js';
import { failure } from '../../../support/failure.js';

describe('waiting for room at a Stargate', () => {
  const busy = (): KvError => new KvError('BUSY', 'this key has 64 connections at work');

  /** A clock that only a pause moves. */
  function patience(random: number) {
    const pauses: number[] = [];
    const heard: KvError[] = [];
    let now = 0;
    const sleep = async (ms: number): Promise<void> => {
      pauses.push(ms);
      now += ms;
    };
    return {
      ...{ pauses, heard, clock: { now: () => now, sleep } as never },
      randomness: async () => ({ bytes: () => Uint8Array.of(random) }) as never,
      onWait: (error: KvError) => heard.push(error),
    };
  }

  for (const [random, expected] of [
    [0, [50, 100, 200, 400, 500, 500]],
    [255, [100, 200, 400, 800, 1000, 1000]],
  ] as const) {
    it(`tries again, and says once why (${random})`, async () => {
      const waiting = patience(random);
      let left = 6;
      const done = whenRoom(waiting, async () => (left-- > 0 ? Promise.reject(busy()) : 'done'));
      expect(await done).to.equal('done');
      expect(waiting.pauses).to.deep.equal(expected);
      expect(waiting.heard).to.have.length(1);
    });
  }

  it('ends when there is no room for too long', async () => {
    const waiting = patience(255);
    await failure(
      whenRoom(waiting, () => Promise.reject(busy())),
      'BUSY',
    );
    const total = waiting.pauses.reduce((sum, ms) => sum + ms, 0);
    expect(total).to.be.within(NO_ROOM_MS, NO_ROOM_MS + 2000);
  });

  it('tries a push that was cut off before anything was sent a few times, and says nothing of it', async () => {
    const waiting = patience(0);
    const cut = (): Promise<never> => Promise.reject(new KvError('IO_ERROR', 'gone', { details: { sent: 'cut' } }));
    await failure(whenRoom(waiting, cut), 'IO_ERROR');
    expect([waiting.pauses, waiting.heard]).to.deep.equal([[50, 100, 200, 400, 500], []]);
    let left = 2;
    expect(await whenRoom(patience(0), async () => (left-- > 0 ? cut() : 'done'))).to.equal('done');
  });

  it('is not for who would rather stand in line, but for what was cut off', async () => {
    const waiting = patience(0);
    const tried: string[] = [];
    const push = async (_remote: string, _updates: unknown, { impatient }: { readonly impatient?: boolean }): Promise<void> => {
      tried.push(String(impatient));
      throw tried.length < 3 ? new KvError('IO_ERROR', 'gone', { details: { sent: 'cut' } }) : busy();
    };
    const remote = patientRemote({ push } as never, waiting);
    await failure(remote.push('origin', [], { atomic: true, impatient: true }), 'BUSY');
    expect([tried, waiting.pauses, waiting.heard]).to.deep.equal([['true', 'true', 'true'], [50, 100], []]);
  });

  it('is not for any other error', async () => {
    const waiting = patience(0);
    await failure(
      whenRoom(waiting, () => Promise.reject(new KvError('IO_ERROR', 'no'))),
      'IO_ERROR',
    );
    expect([waiting.pauses, waiting.heard]).to.deep.equal([[], []]);
  });
});
