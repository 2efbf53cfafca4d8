import { expect } from 'chai';
import fc from 'fast-check';
import { OLDEST, Watch, type WatchedEvent, type WatchNotice, type WatchRequest } from '../../../domain/client/watch.js';
import { archiveRef, watchlogRef } from '../../../domain/refs.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { AbortableClock, type Expected, NS, Recording, Replay, type Step } from './feed.js';

const request = (more: Partial<WatchRequest> = {}): WatchRequest => ({ ns: NS, readFrom: 'mirror', since: OLDEST, once: true, ...more });

async function all(feed: AsyncIterable<WatchedEvent>): Promise<WatchedEvent[]> {
  const events: WatchedEvent[] = [];
  for await (const event of feed) events.push(event);
  return events;
}

const brief = ({ oid, epoch, keys }: WatchedEvent): Expected => ({ oid, epoch, set: keys?.set ?? ['?'], del: keys?.del ?? ['?'] });

async function refusal(work: Promise<unknown>): Promise<KvError> {
  try {
    await work;
  } catch (error) {
    if (KvError.is(error)) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const KEYS = ['cfg:a', 'cfg:b', 'user:1', 'user:2', 'ü:🔑'];
const someKeys = fc.subarray(KEYS, { maxLength: 3 });
const transaction = fc.record({ set: someKeys, del: someKeys });

/** Steps in which two new epochs lie at least `apart` transactions from each other. */
const stepsOf = (apart: number): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof({ weight: 4, arbitrary: transaction }, { weight: 1, arbitrary: fc.constant(null) }), { minLength: 1, maxLength: 40 }).map((steps) => {
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
    const feed: Watch = new Watch(replay.clone(clock), request({ since, prefix, once, signal: controller.signal, ...limit }));
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

describe('the watch feed', () => {
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
          .map((event) => ({ ...event, set: event.set.filter((key) => key.startsWith('cfg:')), del: event.del.filter((key) => key.startsWith('cfg:')) }))
          .filter(({ set, del }) => set.length + del.length > 0);
        expect(got.map(brief)).to.deep.equal(wanted);
      }),
      { numRuns: 60 },
    );
  });

  const put = (...set: string[]): Step => ({ set, del: [] });
  const EPOCHS: readonly Step[] = [put('a'), put('b'), { epoch: 'e1' }, put('c'), { epoch: 'e2' }, put('d'), { set: [], del: ['a'] }];

  it('says what the watchlog says, and that an epoch began', async () => {
    const recording = await Recording.of(EPOCHS);
    const events = await all(new Watch(new Replay(recording).clone(), request()));
    expect(events.map(({ epoch, parentEpoch, set, del }) => [epoch, parentEpoch, set, del])).to.deep.equal([
      ['e0', null, 1, 0],
      ['e0', null, 1, 0],
      ['e1', 'e0', 0, 0],
      ['e1', null, 1, 0],
      ['e2', 'e1', 0, 0],
      ['e2', null, 1, 0],
      ['e2', null, 0, 1],
    ]);
    expect(events[6]?.keys).to.deep.equal({ set: [], del: ['a'] });
  });

  it('starts at now when it is not told where', async () => {
    const recording = await Recording.of(EPOCHS);
    const replay = new Replay(recording);
    let shown = 3;
    replay.see = () => shown;
    const clock = new AbortableClock();
    clock.slept = () => {
      shown = 7;
    };
    const notices: WatchNotice[] = [];
    const { since: _, ...fromNow } = request({ once: false, limit: 4, notify: (notice) => notices.push(notice) });
    const events = await all(new Watch(replay.clone(clock), fromNow));
    expect(events.map(({ oid }) => oid)).to.deep.equal(recording.events.slice(3).map(({ oid }) => oid));
    expect(notices).to.deep.equal([{ kind: 'started', resumeFrom: recording.events[2]?.oid }]);
  });

  it('starts in a namespace that is not there yet, and can be resumed before the first event', async () => {
    const recording = await Recording.of(EPOCHS);
    const replay = new Replay(recording);
    replay.see = () => 0;
    const { since: _, ...fromNow } = request();
    const feed = new Watch(replay.clone(), fromNow);
    expect(await all(feed)).to.deep.equal([]);
    replay.see = () => 7;
    expect(await all(new Watch(replay.clone(), request({ since: feed.resumeFrom })))).to.have.length(7);
  });

  it('refuses an unknown oid and names the oldest event', async () => {
    const recording = await Recording.of(EPOCHS);
    const error = await refusal(all(new Watch(new Replay(recording).clone(), request({ since: 'ab'.repeat(20) }))));
    expect(error.code).to.equal('NOT_FOUND');
    expect(error.message).to.contain('ab'.repeat(20)).and.contain(recording.events[0]?.oid);
    expect(error.message).not.to.contain('compacted');
    expect(error.hint).to.contain('--since oldest');
  });

  it('refuses an oid that was compacted away and names the oldest that is left', async () => {
    const recording = await Recording.of(EPOCHS);
    const replay = new Replay(recording);
    for (const epoch of ['e0', 'e1']) for (const ref of [watchlogRef(NS, epoch), archiveRef(NS, epoch)]) replay.hide.add(ref);
    const error = await refusal(all(new Watch(replay.clone(), request({ since: recording.events[1]?.oid as string }))));
    expect(error.code).to.equal('NOT_FOUND');
    expect(error.message).to.contain('compacted away').and.contain('e1').and.contain(recording.events[4]?.oid);
    const left = await all(new Watch(replay.clone(), request()));
    expect(left.map(({ oid }) => oid)).to.deep.equal(recording.events.slice(4).map(({ oid }) => oid));
  });

  it('gives no key names where the ledger commit is gone, and such an event whatever the prefix', async () => {
    const recording = await Recording.of(EPOCHS);
    const gone = recording.events[1]?.oid;
    const clone = new Replay(recording).clone();
    const lacking: GitStore = Object.create(clone.store, {
      headers: { value: async (oids: readonly Oid[]) => (await clone.store.headers(oids)).map((header) => (header?.oid === gone ? null : header)) },
    });
    const events = await all(new Watch({ ...clone, store: lacking }, request({ prefix: 'a' })));
    expect(events.map(({ oid, keys, set }) => [oid, keys?.set ?? null, set])).to.deep.equal([
      [recording.events[0]?.oid, ['a'], 1],
      [gone, null, 1],
      [recording.events[6]?.oid, [], 0],
    ]);
  });

  it('ends with NOT_FOUND when the epoch that it was in goes away while it is cut off', async () => {
    const recording = await Recording.of(EPOCHS);
    const replay = new Replay(recording);
    replay.see = () => 2;
    const clock = new AbortableClock();
    clock.slept = () => {
      replay.see = () => 7;
      for (const epoch of ['e0', 'e1']) replay.hide.add(watchlogRef(NS, epoch));
    };
    const error = await refusal(all(new Watch(replay.clone(clock), request({ once: false }))));
    expect(error.code).to.equal('NOT_FOUND');
    expect(error.message).to.contain('no longer has epoch e0').and.contain(recording.events[4]?.oid);
  });

  it('waits for an oid that is known here and that the mirror does not show yet', async () => {
    const recording = await Recording.of(EPOCHS);
    for (const shown of [0, 1, 2]) {
      const replay = new Replay(recording);
      replay.see = () => shown;
      const clock = new AbortableClock();
      let naps = 3;
      clock.slept = () => {
        if (--naps === 0) replay.see = () => 7;
      };
      const notices: string[] = [];
      const since = recording.events[2]?.oid as string;
      const feed = new Watch(replay.clone(clock), request({ since, once: false, limit: 4, notify: ({ kind }) => notices.push(kind) }));
      expect((await all(feed)).map(({ oid }) => oid)).to.deep.equal(recording.events.slice(3).map(({ oid }) => oid));
      expect(notices).to.deep.equal(['behind', 'started']);
    }
  });

  it('asks less often while nothing comes, and says once that the connection is lost and once that it is back', async () => {
    const recording = await Recording.of(EPOCHS);
    const replay = new Replay(recording);
    const clock = new AbortableClock();
    const controller = new AbortController();
    const slept: number[] = [];
    const notices: string[] = [];
    replay.see = () => {
      if (slept.length > 8 && slept.length < 13) throw new KvError('IO_ERROR', 'gone');
      return 7;
    };
    clock.slept = (ms) => {
      slept.push(ms);
      if (slept.length === 14) controller.abort();
    };
    await all(new Watch(replay.clone(clock), request({ once: false, signal: controller.signal, notify: ({ kind }) => notices.push(kind) })));
    expect(slept.slice(0, 9)).to.deep.equal([250, 375, 562.5, 843.75, 1265.625, 1898.4375, 2000, 2000, 2000]);
    expect(slept.slice(9, 13)).to.deep.equal([250, 500, 1000, 2000]);
    expect(notices).to.deep.equal(['started', 'lost', 'back']);
  });

  it('fails at once when the first contact fails', async () => {
    const replay = new Replay(await Recording.of(EPOCHS));
    replay.see = () => {
      throw new KvError('IO_ERROR', 'gone');
    };
    expect((await refusal(all(new Watch(replay.clone(), request({ once: false }))))).code).to.equal('IO_ERROR');
  });

  it('refuses a watchlog that was rewritten', async () => {
    const recording = await Recording.of(EPOCHS.slice(0, 2));
    const other = await Recording.of([put('x'), put('y'), put('z')]);
    const replay = new Replay(recording);
    const clock = new AbortableClock();
    clock.slept = async () => {
      for (const [ref, oid] of other.states.at(-1) ?? []) {
        for await (const commit of other.store.history({ tip: oid })) await recording.store.write((await other.store.read([commit])) as never);
        recording.states.at(-1)?.set(ref, oid);
      }
    };
    const error = await refusal(all(new Watch(replay.clone(clock), request({ once: false }))));
    expect(error.code).to.equal('ATTESTATION_MISMATCH');
    expect(error.message).to.contain('rewritten');
  });
});
