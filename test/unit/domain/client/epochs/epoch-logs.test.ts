import { expect } from 'chai';
import { EpochLogs } from '../../../../../domain/client/watch/epoch-logs.js';
import { compactedRef, watchlogRef } from '../../../../../domain/ledger/refs.js';
import type { HistoryQuery } from '../../../../../ports/git/git-store.js';
import type { FetchRequest } from '../../../../../ports/git/git-remote.js';
import type { Oid } from '../../../../../ports/vocabulary.js';
import { NS, Recording, Replay } from '../feed.js';

const EPOCH = 'e0';

describe('the watchlogs of a namespace', () => {
  async function setUp(): Promise<{ recording: Recording; logs: EpochLogs; walks: Oid[]; requests: FetchRequest[] }> {
    const recording = await Recording.of(['a', 'b', 'c'].map((key) => ({ set: [key], del: [] })));
    const clone = new Replay(recording).clone();
    const walks: Oid[] = [];
    const requests: FetchRequest[] = [];
    const store = Object.create(clone.store, {
      history: {
        value: (query: HistoryQuery) => {
          walks.push(query.tip);
          return clone.store.history(query);
        },
      },
    }) as typeof clone.store;
    const remotes: typeof clone.remotes = {
      ...clone.remotes,
      fetch: async (remote, direction, asked) => {
        requests.push(...asked);
        await clone.remotes.fetch(remote, direction, asked);
      },
    };
    const options = { ns: NS, readFrom: 'mirror', patient: true, notify: () => undefined, signal: undefined } as const;
    return { recording, logs: new EpochLogs({ ...clone, store, remotes }, options), walks, requests };
  }

  it('are walked to their first event once for each tip', async () => {
    const { recording, logs, walks } = await setUp();
    const tips = recording.states.slice(-2).map((state) => state.get(watchlogRef(NS, EPOCH)) as Oid);
    for (const tip of tips) {
      for (let times = 0; times < 3; times++)
        expect((await logs.first({ label: EPOCH, tip })).oid).to.equal(recording.events[0]?.oid);
    }
    expect(walks).to.deep.equal(tips);
  });

  it('cost one connection to find out that an epoch was not compacted', async () => {
    const { logs, requests } = await setUp();
    expect(await logs.isCompacted(EPOCH)).to.equal(false);
    expect(requests.map(({ remoteRef, seldom }) => [remoteRef, seldom])).to.deep.equal([[compactedRef(NS, EPOCH), true]]);
  });
});
