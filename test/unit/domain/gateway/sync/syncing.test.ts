import { expect } from 'chai';
import type { SyncReport } from '../../../../../domain/admin/sync.js';
import { POLICY_REF } from '../../../../../domain/ledger/refs.js';
import { KvError } from '../../../../../ports/error.js';
import { rejects } from '../../../../contracts/git-store-parts/bench.js';
import { FakeSides } from './fake-sides.js';

const states = ({ refs }: SyncReport): Record<string, string> =>
  Object.fromEntries(refs.map(({ ref, state, action }) => [ref, `${state} ${action}`]));

describe('bringing both sides together', () => {
  it('changes nothing in an audit, nor in a dry run, and says what each would do', async () => {
    const sides = new FakeSides(
      { 'refs/heads/a': 'a2', 'refs/heads/c': 'c1' },
      { 'refs/heads/a': 'a1', 'refs/heads/b': 'b1', 'refs/heads/c': 'c1' },
    );
    const audit = await sides.sync({});
    expect(audit).to.deep.equal({
      ...{ mirror: 'a mirror', mode: 'audit', dry_run: false, same: 1, bundle: null, namespaces: [], left: [] },
      refs: [
        { ref: 'refs/heads/a', here: 'a2', there: 'a1', state: 'older', action: 'none' },
        { ref: 'refs/heads/b', here: null, there: 'b1', state: 'extra', action: 'none' },
      ],
    });
    const dry = await sides.sync({ mode: 'hard', dryRun: true });
    expect(dry).to.include({ mode: 'hard', dry_run: true, bundle: null });
    expect(states(dry)).to.deep.equal({ 'refs/heads/a': 'older push', 'refs/heads/b': 'extra delete' });
    expect([sides.pushed, sides.moved, sides.events, sides.bundles.size]).to.deep.equal([[], [], [], 0]);
    const same = new FakeSides({ 'refs/heads/a': 'a1' }, { 'refs/heads/a': 'a1' });
    expect([(await same.sync({ mode: 'hard' })).same, same.events]).to.deep.equal([1, []]);
  });

  it('reads of the mirror what it has to judge, to take over or to keep', async () => {
    const here = { 'refs/heads/a': 'a2', 'refs/heads/m': 'm1', 'refs/kv/main': 'k2' };
    const there = { 'refs/heads/a': 'a1', 'refs/heads/b': 'b1', 'refs/kv/main': 'k1' };
    for (const [mode, more] of [
      ['audit', []],
      ['repair', []],
      ['force', []],
      ['hard', ['refs/heads/b']],
      ['adopt', ['refs/heads/b']],
    ] as const) {
      const sides = new FakeSides(here, there);
      await sides.sync({ mode });
      expect(sides.fetched, mode).to.deep.equal([['refs/heads/a', 'refs/kv/main', ...more]]);
    }
  });

  it('pushes a fast-forward where the commits say that it is one, else with a lease on what was seen', async () => {
    const sides = new FakeSides(
      {
        'refs/heads/a': 'a2',
        'refs/heads/b': 'b1',
        'refs/heads/new': 'n1',
        'refs/kv/main': 'n1',
        'refs/kv-archive/main@e': 'm5',
      },
      {
        'refs/heads/a': 'a1',
        'refs/heads/b': 'c1',
        'refs/heads/gone': 'g1',
        'refs/kv/main': 'm2',
        'refs/kv-archive/main@e': 'm5',
      },
    );
    const report = await sides.sync({ mode: 'hard' });
    expect(sides.pushed).to.deep.equal([
      [{ ref: 'refs/heads/a', next: 'a2' }],
      [{ ref: 'refs/heads/b', next: 'b1', expected: 'c1' }],
      [{ ref: 'refs/heads/new', next: 'n1', expected: null }],
      [
        { ref: 'refs/kv/main', next: 'n1', expected: 'm2' },
        { ref: 'refs/kv-mirror/main', next: 'n1', expected: null },
      ],
      [{ ref: 'refs/heads/gone', next: null, expected: 'g1' }],
    ]);
    const [name, kept] = [...sides.bundles][0] ?? [];
    expect(name).to.match(/^overwritten-[0-9A-Z]{26}$/);
    expect([report.bundle, report.namespaces, report.left]).to.deep.equal([`/archives/${name}`, [], []]);
    expect(Object.fromEntries(kept ?? [])).to.deep.equal({
      'refs/stargate-stage/heads/b': 'c1',
      'refs/stargate-stage/heads/gone': 'g1',
    });
    expect(sides.events).to.deep.equal(['recheck']);
    expect(sides.marks, 'the own watermark follows').to.deep.equal([{ ref: 'refs/kv-mirror/main', old: null, next: 'n1' }]);
  });

  it("moves the own watermark only where the mirror's was pushed", async () => {
    const here = { 'refs/kv/main': 'm2', 'refs/kv-index/main': 'i2' };
    const there = { 'refs/kv/main': 'm2', 'refs/kv-mirror/main': 'm2', 'refs/kv-index/main': 'i1' };
    const index = new FakeSides({ ...here, 'refs/kv-mirror/main': 'm1' }, there);
    expect((await index.sync({ mode: 'repair' })).bundle, 'nothing is lost').to.equal(null);
    expect([index.pushed.flat().map(({ ref }) => ref), index.marks]).to.deep.equal([['refs/kv-index/main'], []]);
    const known = new FakeSides({ ...here, 'refs/kv-mirror/main': 'm2' }, { ...there, 'refs/kv-mirror/main': 'm1' });
    await known.sync({ mode: 'repair' });
    expect([known.pushed.flat().length, known.marks]).to.deep.equal([2, []]);
    const behind = new FakeSides({ ...here, 'refs/kv-mirror/main': 'm1' }, { ...there, 'refs/kv-mirror/main': 'm1' });
    await behind.sync({ mode: 'repair' });
    expect(behind.marks).to.deep.equal([{ ref: 'refs/kv-mirror/main', old: 'm1', next: 'm2' }]);
    const gone = new FakeSides({}, { 'refs/kv-mirror/main': 'm1', 'refs/kv/main': 'm1' });
    await gone.sync({ mode: 'hard' });
    expect([gone.pushed.flat().map(({ next }) => next), gone.marks]).to.deep.equal([[null, null], []]);
  });

  it('pushes a namespace of many refs in pieces', async () => {
    const refs = Array.from({ length: 1001 }, (_, at) => [`refs/kv-archive/main@e${at}`, `x${at}`]);
    const sides = new FakeSides({ ...Object.fromEntries(refs), 'refs/heads/a': 'a1' }, {});
    await sides.sync({ mode: 'repair' });
    expect(sides.pushed.map(({ length }) => length).sort()).to.deep.equal([1, 1, 500, 500]);
    expect(new Set(sides.pushed.flat().map(({ ref }) => ref)).size).to.equal(1002);
    const full = new FakeSides(Object.fromEntries(refs.slice(0, 500)), {});
    await full.sync({ mode: 'repair' });
    expect(full.pushed.map(({ length }) => length)).to.deep.equal([500]);
  });

  it('tells what the mirror refuses and goes on with the rest; where it can not be reached it ends', async () => {
    const here = { 'refs/kv/main': 'm2', 'refs/kv-index/main': 'i2', 'refs/heads/a': 'a2' };
    const refusing = (error: Error): FakeSides => {
      const sides = new FakeSides(here, { 'refs/heads/a': 'a1' });
      sides.pushing = ([first]) => {
        if (first?.ref !== 'refs/heads/a') throw error;
      };
      return sides;
    };
    const sides = refusing(new KvError('SYNC_REFUSED', 'not this'));
    const report = await sides.sync({ mode: 'repair' });
    expect(states(report)).to.deep.equal({
      ...{ 'refs/kv/main': 'missing none', 'refs/kv-index/main': 'missing none', 'refs/kv-mirror/main': 'missing none' },
      'refs/heads/a': 'older push',
    });
    expect([report.left, sides.marks, sides.events]).to.deep.equal([['not this'], [], ['recheck']]);
    for (const code of ['IO_ERROR', 'INTERRUPTED'] as const)
      await rejects(refusing(new KvError(code, 'away')).sync({ mode: 'repair' }), code);
    const failed = await refusing(new TypeError('a mistake'))
      .sync({ mode: 'repair' })
      .catch((error: unknown) => error);
    expect(failed).to.be.instanceOf(TypeError);
  });

  it('takes over branches and tags in one move, and the policy in one of its own, which is then published again', async () => {
    const there = { 'refs/heads/a': 'a2', 'refs/tags/v': 'v1', 'refs/heads/b': 'b1', 'refs/kv-index/main': 'i1' };
    const sides = new FakeSides({ 'refs/heads/a': 'a1', [POLICY_REF]: 'p1' }, { ...there, [POLICY_REF]: 'q1' });
    await sides.sync({ mode: 'adopt' });
    expect(sides.moved).to.deep.equal([
      [
        { ref: 'refs/heads/a', old: 'a1', next: 'a2' },
        { ref: 'refs/heads/b', old: null, next: 'b1' },
        { ref: 'refs/tags/v', old: null, next: 'v1' },
      ],
      [{ ref: POLICY_REF, old: 'p1', next: 'q1' }],
    ]);
    expect([sides.events, sides.pushed]).to.deep.equal([['republish', 'recheck'], []]);
    const branch = new FakeSides({}, { 'refs/heads/b': 'b1' });
    await branch.sync({ mode: 'adopt' });
    expect([branch.moved.length, branch.events]).to.deep.equal([1, ['recheck']]);
    const policy = new FakeSides({ [POLICY_REF]: 'p1' }, { [POLICY_REF]: 'p2' });
    await policy.sync({ mode: 'adopt' });
    expect([policy.moved.length, policy.events]).to.deep.equal([1, ['republish', 'recheck']]);
  });

  it('looks at one namespace alone, where that is asked for, and says how to see which there are', async () => {
    const sides = new FakeSides(
      { 'refs/kv/main': 'm1', 'refs/kv/other': 'o1', 'refs/heads/a': 'a1' },
      { 'refs/kv/main': 'n1', 'refs/kv/other': 'p1', 'refs/kv/new': 'w1' },
    );
    const { refs, namespaces, left } = await sides.sync({ ns: 'main' });
    expect(refs.map(({ ref }) => ref)).to.deep.equal(['refs/kv/main', 'refs/kv-mirror/main']);
    const fault = 'neither side leads to the other';
    expect(namespaces).to.deep.equal([{ ns: 'main', here: 'm1', there: 'n1', transactions: null, fault }]);
    expect(left).to.deep.equal(['namespace main: here m1, there n1: neither leads to the other']);
    expect((await sides.sync({})).namespaces.map(({ ns, fault }) => [ns, fault])).to.deep.equal([
      ['main', fault],
      ['new', 'only the mirror has it, and not whole'],
      ['other', fault],
    ]);
    const error = await rejects(sides.sync({ ns: 'none' }), 'NOT_FOUND');
    expect(error.advice).to.deep.equal({ id: 'see-namespaces' });
  });
});
