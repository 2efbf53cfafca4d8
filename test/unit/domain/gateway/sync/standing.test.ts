import { expect } from 'chai';
import { replacing } from '../../../../../domain/git/store-view.js';
import { MirrorStanding } from '../../../../../domain/gateway/sync/standing.js';
import { KvError } from '../../../../../ports/error.js';
import type { Policy } from '../../../../../ports/stargate/policy-reader.js';
import type { Oid, RefName } from '../../../../../ports/vocabulary.js';
import { rejects } from '../../../../contracts/git-store-parts/bench.js';
import { FakeSides, type Refs } from './fake-sides.js';
import { Histories, LEDGER, type Moment } from './histories.js';

describe('whether a Stargate has all that its mirror has', () => {
  let made: Histories;
  before(async () => {
    made = await Histories.make();
  });

  /** A standing that hears of what it finds, over a Stargate that is at one moment and a mirror that is at another. */
  class Bench {
    readonly sides: FakeSides;
    readonly told: string[] = [];
    policy: Policy = made.rig.policy;
    readonly standing: MirrorStanding;

    constructor(here: Moment, there: Moment, more: Refs = {}) {
      this.sides = new FakeSides({}, { ...Object.fromEntries(there), ...more });
      this.be(here);
      const { refs, updateRefs } = this.sides.store;
      const { clock, stage, target } = this.sides;
      const store = replacing(made.rig.store, { refs, updateRefs });
      this.standing = new MirrorStanding(
        { ...made.context, ...{ clock, stage, target, store }, policy: () => this.policy },
        {
          behind: (ns, { code, message }) => this.told.push(`${ns} ${code} ${message.includes('yet') ? 'held' : ''}`.trim()),
          caughtUp: (ns) => this.told.push(`${ns} caught up`),
        },
      );
    }

    /** From now on the mirror's refs can't be listed. */
    takeAway(): void {
      this.sides.target.refs = () => Promise.reject(new KvError('IO_ERROR', 'away'));
    }

    /** Puts the Stargate to a moment, with the sequencers' keys that it has published. */
    be(here: ReadonlyMap<RefName, Oid>): void {
      this.sides.here.clear();
      for (const [ref, oid] of [...here, ...made.published]) this.sides.here.set(ref, oid);
    }
  }

  it('refuses writes to a namespace while the mirror is ahead of it, and says by how much', async () => {
    const bench = new Bench(made.at(1), made.at(3));
    await bench.standing.look();
    const [here, there] = [made.tip(1, LEDGER), made.tip(3, LEDGER)];
    const error = await rejects(bench.standing.admit(['other', 'main']), 'BEHIND_MIRROR');
    expect(error.message).to.equal(
      `namespace main: the mirror is ahead of this Stargate by 2 transactions: here ${here}, there ${there}`,
    );
    expect(error.details).to.deep.equal({ ns: 'main', here, there, transactions: 2 });
    expect(error.advice).to.deep.equal({ id: 'adopt-mirror', ns: 'main' });
    expect([...bench.standing.behind]).to.deep.equal([['main', error]]);
    await bench.standing.admit(['other']);
    await bench.standing.admit([]);
    expect([bench.told, bench.standing.dueIn]).to.deep.equal([['main BEHIND_MIRROR'], 30_000]);
    bench.sides.clock.at += 29_000;
    expect(bench.standing.dueIn).to.equal(1000);
    bench.sides.clock.at += 5000;
    expect(bench.standing.dueIn).to.equal(0);
  });

  it('looks into the same only once, until a tip or the policy is another', async () => {
    const bench = new Bench(made.at(0), made.at(1));
    const looks = async (): Promise<number> => {
      await bench.standing.look();
      return bench.sides.fetched.length;
    };
    expect([await looks(), await looks()]).to.deep.equal([1, 1]);
    expect(bench.standing.behind.get('main')?.message).to.contain('here nothing, there');
    for (const [ref, oid] of made.at(2)) bench.sides.there.set(ref, oid);
    expect([await looks(), await looks()]).to.deep.equal([2, 2]);
    bench.be(made.at(1));
    expect([await looks(), await looks()]).to.deep.equal([3, 3]);
    expect(bench.told).to.deep.equal(Array(3).fill('main BEHIND_MIRROR'));
    bench.policy = { ...made.rig.policy };
    expect([await looks(), await looks()]).to.deep.equal([4, 4]);
    expect(bench.told, 'the same is told once').to.have.length(3);
    bench.policy = { ...bench.policy, namespaces: new Map() };
    await looks();
    expect(bench.told[3]).to.equal('main BEHIND_MIRROR held');
    expect(bench.standing.behind.get('main')?.details).to.include({ transactions: null });
    expect(bench.standing.behind.get('main')?.message).to.match(/of this Stargate: here .*; it can't be taken over yet: ./);
  });

  it('takes writes again when it has caught up, or the mirror has gone elsewhere, and looks no more', async () => {
    const there = made.at(3);
    for (const [here, mirrored] of [
      [made.at(3), there],
      [made.at(4), there],
      [made.at(1), made.at(0)],
      [made.at(2), made.at(3, { [LEDGER]: await made.stray(null) })],
    ] as const) {
      const bench = new Bench(made.at(2), there);
      await bench.standing.look();
      bench.be(here);
      bench.sides.there.clear();
      for (const [ref, oid] of mirrored) bench.sides.there.set(ref, oid);
      await bench.standing.look();
      await bench.standing.admit(['main']);
      expect([bench.told, bench.standing.dueIn]).to.deep.equal([
        ['main BEHIND_MIRROR', 'main caught up'],
        Number.POSITIVE_INFINITY,
      ]);
      await bench.standing.look();
      expect(bench.told).to.have.length(2);
    }
  });

  it('passes over namespaces of the mirror that nobody may write here, and uses a list that was made just now', async () => {
    const bench = new Bench(made.at(2), made.at(2), { 'refs/kv/unknown': made.tip(2, LEDGER) });
    await bench.standing.look();
    expect([bench.sides.fetched, bench.standing.behind.size]).to.deep.equal([[], 0]);
    const listed = new Bench(made.at(2), made.at(3));
    listed.takeAway();
    await listed.standing.look(undefined, made.at(3));
    expect([...listed.standing.behind.keys()]).to.deep.equal(['main']);
    const fresh = new Bench(made.at(0), made.at(1));
    await fresh.standing.look();
    expect([...fresh.standing.behind.keys()]).to.deep.equal(['main']);
  });

  it('keeps what it knows when the mirror can not be reached, and looks again soon', async () => {
    const bench = new Bench(made.at(1), made.at(3));
    expect(bench.standing.dueIn).to.equal(Number.POSITIVE_INFINITY);
    await bench.standing.look();
    bench.takeAway();
    bench.sides.clock.at += 60_000;
    await rejects(bench.standing.look(), 'IO_ERROR');
    expect([bench.standing.behind.size, bench.standing.dueIn]).to.deep.equal([1, 30_000]);
  });

  it('has a write wait for the first look, but not for longer than a while', async () => {
    const bench = new Bench(made.at(1), made.at(3));
    const { clock } = bench.sides;
    const begun = clock.at;
    await bench.standing.admit([]);
    expect(clock.at - begun).to.equal(0);
    await bench.standing.admit(['main']);
    expect(clock.at - begun).to.equal(5000);
    let woken = false;
    clock.sleep = (_ms: number, signal?: AbortSignal) =>
      new Promise((_, reject) =>
        signal?.addEventListener('abort', () => {
          woken = true;
          reject(new KvError('INTERRUPTED', 'woken'));
        }),
      );
    const write = rejects(bench.standing.admit(['main']), 'BEHIND_MIRROR');
    await bench.standing.look();
    await write;
    expect(woken, 'nothing is left that waits').to.equal(true);
    clock.sleep = () => Promise.reject(new Error('it does not wait again'));
    await rejects(bench.standing.admit(['main']), 'BEHIND_MIRROR');
  });

  it('does not have it wait for a look that has failed', async () => {
    const bench = new Bench(made.at(1), made.at(1));
    bench.takeAway();
    await rejects(bench.standing.look(), 'IO_ERROR');
    bench.sides.clock.sleep = () => Promise.reject(new Error('it waits'));
    await bench.standing.admit(['main']);
  });
});
