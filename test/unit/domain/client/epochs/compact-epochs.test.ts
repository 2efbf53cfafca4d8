import { expect } from 'chai';
import { dropEpoch, epochsToDrop, readEpochs, traceEpoch } from '../../../../../domain/gateway/epochs/archived-epochs.js';
import { KvError } from '../../../../../ports/error.js';
import { namespaceWith } from './epochs.js';
import { failure } from '../../../../support/failure.js';
import { memory, TestClock } from '../../../../support/memory/memory.js';

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

  it('drops none whose refs have moved, come or gone since it was bundled', async () => {
    const store = await namespaceWith(['a', 'b']);
    const [epoch] = (await readEpochs(store, 'main')).archived;
    if (epoch === undefined) throw new Error('there must be one');
    const context = { store, namer: memory().namer, clock: new TestClock() };
    const other = (await store.refs(['refs/kv/main'])).get('refs/kv/main') ?? '';
    const watchlog = 'refs/kv-watchlog/main@a';
    const bundled = (refs: ReadonlyMap<string, string>) => dropEpoch(context, 'main', { label: 'a', refs });
    for (const refs of [
      new Map([...epoch.refs, [watchlog, other]]),
      new Map([...epoch.refs].slice(0, 1)),
      new Map([...epoch.refs, ['refs/kv-chunks/main@a', other]]),
    ])
      expect((await failure(bundled(refs), 'CAS_CONFLICT')).advice).to.deep.equal({ id: 'compact-again' });
    await failure(dropEpoch(context, 'main', { label: 'b', refs: epoch.refs }), 'CAS_CONFLICT');
    expect((await bundled(new Map(epoch.refs))).length).to.equal(3);
  });

  it('leaves one trace of a label, however often it is asked to', async () => {
    const { store, namer } = memory();
    const record = { v: 1, ns: 'main', epoch: 'a', archive: 'f'.repeat(40), compacted: '2026-01-02T03:04:05.678Z' } as const;
    const moves = await traceEpoch({ store, namer }, record);
    expect(moves.map(({ ref, old }) => [ref, old])).to.deep.equal([['refs/kv-compacted/main@a', null]]);
    await store.updateRefs(moves, 'test');
    expect(await traceEpoch({ store, namer }, record)).to.deep.equal([]);
  });

  it('says what helps, and which commit is missing', async () => {
    const store = await namespaceWith(['a', 'b']);
    expect((await failure(readEpochs(store, 'none'), 'NOT_FOUND')).advice).to.deep.equal({ id: 'see-namespaces' });
    const epochs = await readEpochs(store, 'main');
    try {
      epochsToDrop(epochs, { ns: 'main', keepEpochs: 0, label: 'b' });
      expect.fail('it is the current one');
    } catch (error) {
      expect(KvError.is(error) && error.advice).to.deep.equal({ id: 'begin-epoch-first' });
    }
    const archive = epochs.archived[0]?.refs.get('refs/kv-archive/main@a') ?? '';
    await store.updateRefs([{ ref: 'refs/kv-archive/other@z', old: null, next: archive }], 'test');
    expect((await readEpochs(store, 'main')).archived.map(({ label }) => label)).to.deep.equal(['a']);
    store.forget([archive]);
    await failure(readEpochs(store, 'main'), 'GIT_ERROR');
  });
});
