import { expect } from 'chai';
import fc from 'fast-check';
import { OLDEST, Watch, type WatchedEvent } from '../../../../domain/client/watch/watch.js';
import { KvError } from '../../../../ports/error.js';
import { AbortableClock, type Expected, NS, Recording, Replay, type Step } from './feed.js';

const brief = ({ oid, epoch, keys }: WatchedEvent): Expected => ({
  oid,
  epoch,
  set: keys?.set ?? ['?'],
  del: keys?.del ?? ['?'],
});

const KEYS = ['cfg:a', 'cfg:b', 'user:1', 'user:2', 'ü:🔑'];
const someKeys = fc.subarray(KEYS, { maxLength: 3 });
const transaction = fc.record({ set: someKeys, del: someKeys });

/** Steps in which two new epochs lie at least `apart` transactions from each other. */
const stepsOf = (apart: number): fc.Arbitrary<Step[]> =>
  fc
    .array(fc.oneof({ weight: 4, arbitrary: transaction }, { weight: 1, arbitrary: fc.constant(null) }), {
      minLength: 1,
      maxLength: 40,
    })
    .map((steps) => {
      let epochs = 0;
      let since = 0;
      const first: Step = { set: ['cfg:a'], del: [] };
      const rest = steps.flatMap((step): Step[] => {
        if (step !== null) {
          since++;
          return [{ set: step.set.length === 0 ? ['cfg:a'] : step.set, del: step.del }];
        }
        if (since < apart) return [];
        since = 0;
        return [{ epoch: `e${++epochs}` }];
      });
      return [first, ...rest];
    });

/** Draws numbers below a bound, from a seed. */
function dice(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

interface Weather {
  /** How many states a fetch may fall back behind the newest that was shown. */
  readonly lag: number;
  /** One fetch in so many fails, after the first of a watch; 0: none. */
  readonly failures: number;
}

/** Watches until the whole feed has come, ending and resuming at random; gives what was handed out. */
async function watchInPieces(recording: Recording, seed: number, weather: Weather, prefix = ''): Promise<WatchedEvent[]> {
  const roll = dice(seed);
  const replay = new Replay(recording);
  const last = recording.states.length - 1;
  let [shown, contacted] = [0, false];
  replay.see = () => {
    if (contacted && weather.failures > 0 && roll(weather.failures) === 0) throw new KvError('IO_ERROR', 'the line is cut');
    contacted = true;
    shown = Math.min(last, shown + (roll(2) === 0 ? 0 : roll(6)));
    return Math.max(0, shown - roll(weather.lag + 1));
  };
  const got: WatchedEvent[] = [];
  let since: string = OLDEST;
  for (let rounds = 0; since !== recording.events.at(-1)?.oid; rounds++) {
    if (rounds > 500) throw new Error(`stuck after ${got.length} of ${recording.events.length} events`);
    contacted = false;
    const controller = new AbortController();
    const clock = new AbortableClock();
    let naps = roll(12);
    clock.slept = () => {
      if (naps-- <= 0) controller.abort();
    };
    const limit = roll(2) === 0 ? {} : { limit: 1 + roll(5) };
    const once = roll(4) === 0;
    const feed: Watch = new Watch(replay.clone(clock), {
      ns: NS,
      readFrom: 'mirror',
      since,
      prefix,
      once,
      signal: controller.signal,
      ...limit,
    });
    let stopAfter = roll(10);
    try {
      for await (const event of feed) {
        got.push(event);
        if (stopAfter-- === 0) break;
        if (roll(15) === 0) controller.abort();
      }
    } catch (error) {
      if (!once || !KvError.is(error) || error.message !== 'the line is cut') throw error; // only a watch that waits is patient
    }
    since = feed.resumeFrom;
  }
  return got;
}

describe('the watch feed, ended and resumed', () => {
  const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });

  it('gives every event once and in order, over epochs, whatever a fetch reveals and wherever it is ended and resumed', async () => {
    await fc.assert(
      fc.asyncProperty(stepsOf(0), seeds, async (steps, seed) => {
        const recording = await Recording.of(steps);
        const got = await watchInPieces(recording, seed, { lag: 0, failures: 5 });
        expect(got.map(brief)).to.deep.equal(recording.events);
      }),
      { numRuns: 150 },
    );
  });

  it('does so too when the mirror falls back behind what it has shown', async () => {
    await fc.assert(
      fc.asyncProperty(stepsOf(6), seeds, async (steps, seed) => {
        const recording = await Recording.of(steps);
        const got = await watchInPieces(recording, seed, { lag: 4, failures: 7 });
        expect(got.map(brief)).to.deep.equal(recording.events);
      }),
      { numRuns: 150 },
    );
  });

  it('with a prefix, gives the events that changed such a key, with such keys', async () => {
    await fc.assert(
      fc.asyncProperty(stepsOf(0), seeds, async (steps, seed) => {
        const recording = await Recording.of(steps);
        const got = await watchInPieces(recording, seed, { lag: 0, failures: 9 }, 'cfg:');
        const wanted = recording.events
          .map((event) => ({
            ...event,
            set: event.set.filter((key) => key.startsWith('cfg:')),
            del: event.del.filter((key) => key.startsWith('cfg:')),
          }))
          .filter(({ set, del }) => set.length + del.length > 0);
        expect(got.map(brief)).to.deep.equal(wanted);
      }),
      { numRuns: 60 },
    );
  });
});
