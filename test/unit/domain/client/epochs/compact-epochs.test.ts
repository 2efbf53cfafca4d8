import { expect } from 'chai';
import { dropEpoch, epochsToDrop, readEpochs } from '../../../../../domain/gateway/epochs/archived-epochs.js';
import { KvError } from '../../../../../ports/error.js';
import { namespaceWith } from './epochs.js';
import { memory, TestClock } from '../../../../support/memory.js';

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    return KvError.is(error) ? error.code : 'another';
  }
};

describe('which epochs a compaction drops', () => {
  const order = async (gone: readonly string[] = []): Promise<string[]> =>
    (await readEpochs(await namespaceWith(['z', 'b', 'y', 'a', 'x'], gone), 'main')).archived.map(({ label }) => label);

  it('orders epochs by what they say of each other, not by label', async () => {
    expect(await order()).to.deep.equal(['a', 'y', 'b', 'z']);
  });

  it('goes on behind a gap that a dropped epoch has left', async () => {
    expect(await order(['a'])).to.deep.equal(['y', 'b', 'z']);
    expect(await order(['y'])).to.deep.equal(['a', 'b', 'z']);
    expect(await order(['a', 'y', 'b'])).to.deep.equal(['z']);
  });

  it('keeps the newest so many, and drops the rest oldest first', async () => {
    const epochs = await readEpochs(await namespaceWith(['z', 'b', 'y', 'a', 'x']), 'main');
    const dropped = (keepEpochs: number | null, label?: string): string[] =>
      epochsToDrop(epochs, { ns: 'main', keepEpochs, label }).map((epoch) => epoch.label);
    expect([dropped(null), dropped(9), dropped(4), dropped(3), dropped(1), dropped(0)]).to.deep.equal([
      [],
      [],
      [],
      ['z'],
      ['z', 'b', 'y'],
      ['z', 'b', 'y', 'a'],
    ]);
    expect(dropped(9, 'y')).to.deep.equal(['y']);
    expect(codeOf(() => dropped(0, 'x'))).to.equal('USAGE');
    expect(codeOf(() => dropped(0, 'never'))).to.equal('NOT_FOUND');
  });

  it('drops every ref of an epoch, if they are still where they were', async () => {
    const store = await namespaceWith(['a', 'b']);
    const [epoch] = (await readEpochs(store, 'main')).archived;
    if (epoch === undefined) throw new Error('there must be one');
    const context = { store, namer: memory().namer, clock: new TestClock() };
    const moves = await dropEpoch(context, 'main', epoch);
    expect(moves.map(({ ref, next }) => [ref, next])).to.deep.equal([
      ['refs/kv-archive/main@a', null],
      ['refs/kv-watchlog/main@a', null],
      ['refs/kv-compacted/main@a', moves.at(-1)?.next],
    ]);
    expect(moves.at(-1)).to.have.property('old', null);
    await store.updateRefs(moves, 'test');
    const error = await dropEpoch(context, 'main', epoch).catch((thrown: unknown) => thrown);
    expect(KvError.is(error) && error.code).to.equal('CAS_CONFLICT');
  });

  it('knows no namespace that is not there', async () => {
    const error = await readEpochs(memory().store, 'main').catch((thrown: unknown) => thrown);
    expect(KvError.is(error) && error.code).to.equal('NOT_FOUND');
  });
});
