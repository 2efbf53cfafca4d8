import { expect } from 'chai';
import { stepsFrom } from '../../../../../domain/gateway/sync/epoch-steps.js';
import { checkIntents } from '../../../../../domain/gateway/sync/intents.js';
import { checkWatchlogs } from '../../../../../domain/gateway/sync/watchlogs.js';
import { archiveRef, intentsRef, watchlogRef } from '../../../../../domain/ledger/refs.js';
import type { WatchEvent } from '../../../../../ports/vocabulary.js';
import { rejects } from '../../../../contracts/git-store-parts/bench.js';
import { chunksOf, Histories, INDEX, LEDGER } from './histories.js';

describe('the way from where the Stargate stands to where the mirror does', () => {
  let made: Histories;
  before(async () => {
    made = await Histories.make();
  });
  const steps = (from: number | null, to: number) =>
    stepsFrom(made.rig.store, 'main', from === null ? null : made.tip(from, LEDGER), made.at(to));
  /** Where an epoch ends, as the mirror has it. */
  const end = (to: number, epoch: string) => ({
    ...{ label: epoch, ledger: made.tip(to, LEDGER), index: made.tip(to, INDEX) },
    chunks: made.moments[to]?.get(chunksOf(epoch)) ?? null,
  });

  it('is one step in the same epoch', async () => {
    const [first] = made.epochs as [string];
    expect(await steps(1, 3)).to.deep.equal([{ ...end(3, first), begins: null }]);
    expect(await steps(4, 5)).to.deep.equal([{ ...end(5, 'second'), begins: null }]);
  });

  it('leads through the archives, the oldest epoch first, each with what it began with', async () => {
    const [first] = made.epochs as [string];
    const third = {
      ...{ ledger: made.tip(6, LEDGER), index: made.tip(6, INDEX), chunks: made.tip(6, chunksOf('third')) },
      before: { label: 'second', archive: made.tip(6, archiveRef('main', 'second')) },
    };
    const second = {
      ...{ ledger: made.tip(4, LEDGER), index: made.tip(4, INDEX), chunks: made.tip(4, chunksOf('second')) },
      before: { label: first, archive: made.tip(4, archiveRef('main', first)) },
    };
    expect(await steps(4, 7)).to.deep.equal([
      { ...end(5, 'second'), begins: null },
      { ...end(7, 'third'), begins: third },
    ]);
    // The chunks of the first epoch came later than its beginning, and it has nothing before it.
    const begins = { ledger: made.tip(1, LEDGER), index: made.tip(1, INDEX), chunks: null, before: null };
    expect(await steps(null, 7)).to.deep.equal([
      { ...end(3, first), begins },
      { ...end(5, 'second'), begins: second },
      { ...end(7, 'third'), begins: third },
    ]);
    expect(await steps(null, 1)).to.deep.equal([{ ...end(1, first), begins }]);
  });

  it('is none where the mirror never comes by what is here, or lacks one of its tips', async () => {
    const stray = await made.stray(null);
    expect(await stepsFrom(made.rig.store, 'main', stray, made.at(7))).to.equal(null);
    expect(await stepsFrom(made.rig.store, 'main', stray, made.at(3))).to.equal(null);
    expect(await stepsFrom(made.rig.store, 'main', null, made.at(0))).to.equal(null);
    for (const ref of [LEDGER, INDEX])
      expect(await stepsFrom(made.rig.store, 'main', null, made.at(3, { [ref]: null })), ref).to.equal(null);
  });

  it('is not to be had without an archive that it leads through, or where a tip is no commit', async () => {
    const [first] = made.epochs as [string];
    const { store, maker } = made.rig;
    const blob = maker.namer.object('blob', Buffer.from('no commit'));
    await store.write([blob]);
    for (const there of [
      made.at(7, { [archiveRef('main', 'second')]: null }),
      made.at(7, { [archiveRef('main', first)]: null }),
      made.at(7, { [archiveRef('main', first)]: blob.oid }),
      made.at(7, { [LEDGER]: blob.oid }),
      made.at(7, { [LEDGER]: '0'.repeat(40) }),
    ])
      await rejects(stepsFrom(store, 'main', null, there), 'ATTESTATION_MISMATCH');
  });

  describe("is what the Stargate's own chains tell of", () => {
    let events: readonly WatchEvent[];
    before(async () => {
      const relation = await made.relate(made.at(1), made.at(5));
      events = relation.kind === 'ahead' ? (relation.continuation?.events ?? []) : [];
      expect(events).to.have.length(4);
    });
    const logs = (told: readonly WatchEvent[]) => checkWatchlogs(made.rig.store, 'main', told, made.at(1), made.at(5));
    const kept = (told: readonly WatchEvent[]) => checkIntents(made.rig.store, 'main', told, made.at(1), made.at(5));

    it('each in its epoch, whatever the log says of when it came and who it was', async () => {
      const [first, second] = made.epochs as [string, string];
      const tips = (ref: typeof watchlogRef) => [
        [ref('main', first), made.tip(3, ref('main', first))],
        [ref('main', second), made.tip(5, ref('main', second))],
      ];
      expect([...(await logs(events))]).to.deep.equal(tips(watchlogRef));
      expect([...(await kept(events))]).to.deep.equal(tips(intentsRef));
      const renamed = events.map((event) => ({ ...event, received: event.received + 9, signer: 'an earlier name' }));
      expect((await logs(renamed)).size).to.equal(2);
      expect([(await logs([])).size, (await kept([])).size]).to.deep.equal([0, 0]);
    });

    it('and not when anything else of it differs, or there is more or less of it', async () => {
      for (const at of [0, 1, 3])
        for (const change of [{ txn: 'another' }, { oid: made.tip(1, LEDGER) }, { parentEpoch: 'x' }]) {
          const changed = events.map((event, i) => (i === at ? { ...event, ...change } : event));
          await rejects(logs(changed), 'ATTESTATION_MISMATCH');
        }
      for (const some of [events.slice(1), events.slice(0, 3), [...events, events[3] as WatchEvent]]) {
        await rejects(logs(some), 'ATTESTATION_MISMATCH');
        await rejects(kept(some), 'ATTESTATION_MISMATCH');
      }
      const lost = events.map((event) => ({ ...event, oid: '0'.repeat(40) }));
      await rejects(kept(lost), 'ATTESTATION_MISMATCH');
    });
  });
});
