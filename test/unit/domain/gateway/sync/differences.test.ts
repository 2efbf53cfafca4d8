import { expect } from 'chai';
import type { Relation } from '../../../../../domain/gateway/sync/continuation.js';
import { type Difference, differences, judge } from '../../../../../domain/gateway/sync/differences.js';
import { POLICY_REF } from '../../../../../domain/ledger/refs.js';
import { FakeSides, type Refs } from './fake-sides.js';

const LEDGER = 'refs/kv/main';
const INDEX = 'refs/kv-index/main';
const ahead = (...refs: string[]): Relation => {
  const updates = refs.map((ref) => ({ ref, old: null, next: 'm9' }));
  return { kind: 'ahead', here: 'm1', there: 'm9', continuation: { updates, events: [] }, held: null };
};

describe('the refs that differ on two sides', () => {
  const compared = (here: Refs, there: Refs, only?: string) => {
    const { same, differing } = differences(new FakeSides(here, there), only);
    return [same, differing.map(({ ref, ns, here, there }) => [ref, ns, here, there])];
  };

  it('are all that one side has and the other one has not, or elsewhere; how many are the same is counted', () => {
    const here = { 'refs/heads/a': 'a1', 'refs/heads/b': 'b1', 'refs/heads/c': 'c1', 'refs/tags/v1': 'v1', [POLICY_REF]: 'p1' };
    const there = { 'refs/heads/b': 'b2', 'refs/heads/c': 'c1', 'refs/tags/v1': 'v1', 'refs/tags/z': 'z1', 'refs/heads/y': 'y1' };
    expect(compared(here, { ...there, [POLICY_REF]: 'p2' })).to.deep.equal([
      2,
      [
        ['refs/heads/a', null, 'a1', null],
        ['refs/heads/b', null, 'b1', 'b2'],
        [POLICY_REF, null, 'p1', 'p2'],
        ['refs/heads/y', null, null, 'y1'],
        ['refs/tags/z', null, null, 'z1'],
      ],
    ]);
    expect(compared({}, { 'refs/tags/z': 'z1', 'refs/heads/y': 'y1' })).to.deep.equal([
      0,
      [
        ['refs/heads/y', null, null, 'y1'],
        ['refs/tags/z', null, null, 'z1'],
      ],
    ]);
  });

  it('are those of one namespace where it is asked for, and a watermark is to be where its ledger is', () => {
    const here = { [LEDGER]: 'm2', 'refs/kv-mirror/main': 'm1', 'refs/kv/other': 'o1', 'refs/heads/a': 'a1' };
    const there = { [LEDGER]: 'm2', 'refs/kv-mirror/main': 'm1', 'refs/kv-chunks/main@e': 'c1', 'refs/heads/a': 'a2' };
    expect(compared(here, there, 'main')).to.deep.equal([
      1,
      [
        ['refs/kv-mirror/main', 'main', 'm2', 'm1'],
        ['refs/kv-chunks/main@e', 'main', null, 'c1'],
      ],
    ]);
  });

  it('are none that have no place here', () => {
    expect(compared({ 'refs/notes/x': 'n1' }, { 'refs/notes/y': 'n1', 'refs/kv/..': 'n1' })).to.deep.equal([0, []]);
  });
});

describe('how a ref differs', () => {
  const state = async (one: Partial<Difference>, relation?: Relation, here: Refs = {}): Promise<readonly [string, boolean]> => {
    const sides = new FakeSides(here, {});
    const { state, plain } = await judge(
      sides.store,
      { ref: 'refs/heads/a', ns: null, here: 'a2', there: 'a1', ...one },
      relation,
      sides,
    );
    return [state, plain];
  };

  it('follows from the commits of a branch; a tag never goes on from another', async () => {
    expect(await state({ there: null })).to.deep.equal(['missing', true]);
    expect(await state({})).to.deep.equal(['older', true]);
    expect(await state({ there: 'a3' })).to.deep.equal(['newer', true]);
    expect(await state({ there: 'b1' })).to.deep.equal(['apart', false]);
    expect(await state({ here: null })).to.deep.equal(['extra', false]);
    for (const there of ['a1', 'a3']) expect(await state({ ref: 'refs/tags/a', there })).to.deep.equal(['apart', false]);
    expect(await state({ ref: 'refs/tags/a', there: null })).to.deep.equal(['missing', true]);
    expect(await state({ there: 'a3' }, ahead(), { 'refs/kv-archive/main@e': 'b9' })).to.deep.equal(['newer', true]);
  });

  it('is sound of a namespace only where all of it was looked into', async () => {
    const ledger = { ref: LEDGER, ns: 'main', here: 'm1', there: 'm3' };
    expect(await state(ledger, ahead())).to.deep.equal(['newer', true]);
    const apart: Relation = { kind: 'apart', here: 'm1', there: 'm3', fault: null };
    for (const relation of [undefined, apart, { kind: 'contained' } as const])
      expect(await state(ledger, relation)).to.deep.equal(['unsound', false]);
    expect(await state({ ...ledger, there: 'm0' })).to.deep.equal(['older', true]);
  });

  it('is newer over the beginning of an epoch, which follows from nothing, for what moves there alone', async () => {
    for (const ref of [LEDGER, INDEX, 'refs/kv-epoch/main', 'refs/kv-mirror/main']) {
      const one = { ref, ns: 'main', here: 'm1', there: 'n1' };
      expect(await state(one, ahead()), ref).to.deep.equal(['newer', false]);
      expect(await state(one), ref).to.deep.equal(['apart', false]);
    }
    const log = { ref: 'refs/kv-watchlog/main@e', ns: 'main', here: 'm1', there: 'n1' };
    expect(await state(log, ahead())).to.deep.equal(['apart', false]);
    expect(await state({ here: 'm1', there: 'n1' }, ahead())).to.deep.equal(['apart', false]);
  });

  it('is older where the mirror is in an epoch of ours that has ended', async () => {
    const one = { ref: LEDGER, ns: 'main', here: 'n1', there: 'm1' };
    expect(await state(one, undefined, { 'refs/kv-archive/main@e': 'm5' })).to.deep.equal(['older', false]);
    for (const here of [
      { 'refs/kv-archive/other@e': 'm5' },
      { 'refs/kv-archive/main@e': 'n5' },
      { 'refs/kv-chunks/main@e': 'm5', 'refs/heads/m': 'm5', 'refs/kv/x': 'm5' },
    ])
      expect(await state(one, undefined, here), JSON.stringify(here)).to.deep.equal(['apart', false]);
    const archives = { 'refs/heads/m': 'm5', 'refs/kv-archive/main@e1': 'k5', 'refs/kv-archive/main@e2': 'm5' };
    expect(await state(one, undefined, archives)).to.deep.equal(['older', false]);
    const log = { ...one, ref: 'refs/kv-watchlog/main@e' };
    expect(await state(log, undefined, archives)).to.deep.equal(['apart', false]);
  });

  it('is newer where the Stargate has nothing and takes it over with its namespace; else it is extra', async () => {
    const chunks = { ref: 'refs/kv-chunks/main@e', ns: 'main', here: null, there: 'c1' };
    expect(await state(chunks, ahead(LEDGER, chunks.ref))).to.deep.equal(['newer', false]);
    expect(await state(chunks, ahead(LEDGER))).to.deep.equal(['extra', false]);
    const held = { ...ahead(), continuation: null } as Relation;
    expect(await state(chunks, held)).to.deep.equal(['extra', false]);
    for (const ref of [LEDGER, INDEX]) {
      expect(await state({ ...chunks, ref }, held), ref).to.deep.equal(['newer', false]);
      expect(await state({ ...chunks, ref }), ref).to.deep.equal(['extra', false]);
    }
  });
});
