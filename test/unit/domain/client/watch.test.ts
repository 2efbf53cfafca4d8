import { expect } from 'chai';
import { OLDEST, Watch, type WatchNotice, type WatchRequest } from '../../../../domain/client/watch/watch.js';
import { archiveRef, compactedRef, watchlogRef } from '../../../../domain/ledger/refs.js';
import { KvError } from '../../../../ports/error.js';
import type { GitStore } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { all } from '../../../support/all.js';
import { refusal } from '../../../support/failure.js';
import { AbortableClock, NS, Recording, Replay, type Step } from './feed.js';

const request = (more: Partial<WatchRequest> = {}): WatchRequest => ({
  ns: NS,
  readFrom: 'mirror',
  since: OLDEST,
  once: true,
  ...more,
});

describe('the watch feed', () => {
  const put = (...set: string[]): Step => ({ set, del: [] });
  const LONG: readonly Step[] = [
    ...[put('a'), put('b'), { epoch: 'e1' }, put('c'), { epoch: 'e2' }, put('d'), { epoch: 'e3' }],
    ...[put('e'), { epoch: 'e4' }, put('f')],
  ];
  const EPOCHS: readonly Step[] = [
    put('a'),
    put('b'),
    { epoch: 'e1' },
    put('c'),
    { epoch: 'e2' },
    put('d'),
    { set: [], del: ['a'] },
  ];

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
    expect(error.advice).to.include({ id: 'watch-from' });
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

  it('says so when there is a ledger and no watchlog', async () => {
    const replay = new Replay(await Recording.of(EPOCHS));
    for (const epoch of ['e0', 'e1', 'e2']) replay.hide.add(watchlogRef(NS, epoch));
    const notices: WatchNotice[] = [];
    const { since: _, ...fromNow } = request({ notify: (notice) => notices.push(notice) });
    expect(await all(new Watch(replay.clone(), fromNow))).to.deep.equal([]);
    expect(notices).to.deep.equal([
      { kind: 'started', resumeFrom: OLDEST },
      { kind: 'no-watchlog', waits: false },
    ]);
  });

  it('gives no key names where the ledger commit is gone, and such an event whatever the prefix', async () => {
    const recording = await Recording.of(EPOCHS);
    const gone = recording.events[1]?.oid;
    const clone = new Replay(recording).clone();
    const lacking: GitStore = Object.create(clone.store, {
      headers: {
        value: async (oids: readonly Oid[]) =>
          (await clone.store.headers(oids)).map((header) => (header?.oid === gone ? null : header)),
      },
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
      const feed = new Watch(
        replay.clone(clock),
        request({ since, once: false, limit: 4, notify: ({ kind }) => notices.push(kind) }),
      );
      expect((await all(feed)).map(({ oid }) => oid)).to.deep.equal(recording.events.slice(3).map(({ oid }) => oid));
      expect(notices).to.deep.equal(['behind', 'started']);
    }
  });

  it('waits for an oid that is any number of epochs ahead of what the mirror shows, and goes on over all of them', async () => {
    const recording = await Recording.of(LONG);
    const last = recording.states.length - 1;
    for (const [at, since] of recording.events.entries()) {
      for (const shown of [0, 1, 2, 4, 6]) {
        if (shown > at) continue; // shown already
        const replay = new Replay(recording);
        replay.see = () => shown;
        const once: boolean[] = [];
        const notify = (notice: WatchNotice): void => void (notice.kind === 'behind' && once.push(notice.waits));
        expect(await all(new Watch(replay.clone(), request({ since: since.oid, notify })))).to.deep.equal([]);
        const clock = new AbortableClock();
        let naps = 3;
        clock.slept = () => {
          if (--naps === 0) replay.see = () => last;
          if (naps === -3) throw new KvError('INTERRUPTED', 'enough');
        };
        const wanted = recording.events.slice(at + 1).map(({ oid }) => oid);
        const feed = new Watch(replay.clone(clock), request({ since: since.oid, once: false, limit: wanted.length, notify }));
        if (wanted.length > 0) expect((await all(feed)).map(({ oid }) => oid)).to.deep.equal(wanted);
        expect(once, `${shown} of ${at}`).to.deep.equal(wanted.length > 0 ? [false, true] : [false]);
      }
    }
  });

  it('goes on when a mirror falls two epochs back below a place, and comes again', async () => {
    const recording = await Recording.of(LONG);
    const replay = new Replay(recording);
    const clock = new AbortableClock();
    let naps = 0;
    // The first look finds the place in the newest epoch but one; then another host answers, which is restored from a backup.
    replay.see = () => (naps === 0 ? 7 : naps < 8 ? 2 : recording.states.length - 1);
    clock.slept = () => void naps++;
    const feed = new Watch(replay.clone(clock), request({ since: recording.events[6]?.oid as string, once: false, limit: 2 }));
    expect((await all(feed)).map(({ oid }) => oid)).to.deep.equal(recording.events.slice(7, 9).map(({ oid }) => oid));
  });

  it('says of an oid whose epoch was compacted away, however long ago, which is the oldest', async () => {
    const recording = await Recording.of(LONG);
    for (const traced of [true, false]) {
      const replay = new Replay(recording);
      for (const epoch of ['e0', 'e1']) {
        for (const ref of [watchlogRef(NS, epoch), archiveRef(NS, epoch)]) replay.hide.add(ref);
        if (traced) recording.states.at(-1)?.set(compactedRef(NS, epoch), recording.events[0]?.oid as string);
      }
      for (const at of [0, 1, 2, 3]) {
        for (const once of [true, false]) {
          const error = await refusal(
            all(new Watch(replay.clone(), request({ since: recording.events[at]?.oid as string, once }))),
          );
          expect(error.code).to.equal('NOT_FOUND');
          expect(error.details?.['oldest']).to.equal(recording.events[4]?.oid);
        }
      }
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
    await all(
      new Watch(
        replay.clone(clock),
        request({ once: false, signal: controller.signal, notify: ({ kind }) => notices.push(kind) }),
      ),
    );
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
        for await (const commit of other.store.history({ tip: oid }))
          await recording.store.write((await other.store.read([commit])) as never);
        recording.states.at(-1)?.set(ref, oid);
      }
    };
    const error = await refusal(all(new Watch(replay.clone(clock), request({ once: false }))));
    expect(error.code).to.equal('ATTESTATION_MISMATCH');
    expect(error.message).to.contain('rewritten');
  });
});
