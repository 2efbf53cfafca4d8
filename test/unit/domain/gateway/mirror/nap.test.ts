import { expect } from 'chai';
import { Nap } from '../../../../../domain/gateway/mirror/nap.js';
import type { Clock } from '../../../../../ports/clock.js';
import { KvError } from '../../../../../ports/error.js';

describe('the nap of the mirror’s worker', () => {
  /** Sleeps last until they are ended: the newest by `ring`, or by their signals. */
  let slept: number[];
  let ring: () => void;
  const clock: Clock = {
    now: () => 0,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        slept.push(ms);
        ring = resolve;
        signal?.addEventListener('abort', () => reject(new KvError('INTERRUPTED', 'woken')), { once: true });
      }),
  };
  let nap: Nap;
  let end: AbortController;
  beforeEach(() => {
    slept = [];
    nap = new Nap();
    end = new AbortController();
  });

  /** Whether a nap is over by now. */
  async function isOver(taken: Promise<void>): Promise<boolean> {
    const later = new Promise<boolean>((resolve) => setImmediate(() => resolve(false)));
    return Promise.race([taken.then(() => true), later]);
  }

  it('lasts as long as it was to, unless there is news, or the end', async () => {
    const long = nap.take(clock, 50, end.signal, false);
    expect([await isOver(long), slept]).to.deep.equal([false, [50]]);
    ring();
    await long;
    const woken = nap.take(clock, 60, end.signal, false);
    expect(await isOver(woken)).to.equal(false);
    nap.wake();
    await woken;
    nap.forget();
    const ended = nap.take(clock, 70, end.signal, false);
    expect(await isOver(ended)).to.equal(false);
    end.abort();
    await ended;
    expect(slept).to.deep.equal([50, 60, 70]);
  });

  it('is not begun behind news that nobody has seen, behind the end, or for no time', async () => {
    await nap.take(clock, 0, end.signal, false);
    nap.wake();
    await nap.take(clock, 50, end.signal, false);
    const deaf = nap.take(clock, 50, end.signal, true);
    expect(await isOver(deaf), 'whoever is deaf sleeps').to.equal(false);
    nap.wake();
    expect(await isOver(deaf), 'through all news').to.equal(false);
    ring();
    await deaf;
    end.abort();
    await nap.take(clock, 50, end.signal, true);
    expect(slept).to.deep.equal([50]);
  });

  it('leaves nothing behind it', async () => {
    let listening = 0;
    const { signal } = end;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listening += 1;
      return add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listening -= 1;
      return remove(...args);
    };
    const taken = nap.take(clock, 50, signal, false);
    ring();
    await taken;
    expect(listening).to.equal(0);
    const next = nap.take(clock, 50, signal, true);
    nap.wake(); // whom the last one was woken by is nobody's any more
    expect(await isOver(next)).to.equal(false);
    ring();
    await next;
  });

  it('throws what the clock does, where that was not the end of it', async () => {
    const broken: Clock = { now: () => 0, sleep: () => Promise.reject(new KvError('UNEXPECTED', 'no clock')) };
    const error: unknown = await nap.take(broken, 5, end.signal, false).catch((thrown: unknown) => thrown);
    expect(KvError.is(error) && error.code).to.equal('UNEXPECTED');
  });
});
