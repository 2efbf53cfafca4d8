import { expect } from 'chai';
import { renderLedgerMessage } from '../../../domain/ledger/attestation.js';
import { encodeCommit, stamp } from '../../../domain/git/commit.js';
import { archiveCommit } from '../../../domain/ledger/epoch.js';
import { dropEpoch, epochsToDrop, readEpochs } from '../../../domain/gateway/epochs/compact.js';
import { KvError } from '../../../ports/error.js';
import { memory, NOW, TestClock } from '../../support/memory.js';

const DAY = 86_400_000;

/** A namespace that went through these epochs; each archive ends a day after the one before. */
async function namespaceWith(labels: readonly string[], gone: readonly string[] = []) {
  const { store, namer } = memory();
  const tree = namer.object('tree', new Uint8Array(0));
  await store.write([tree]);
  const updates: { ref: string; old: null; next: string }[] = [];
  for (const [i, label] of labels.entries()) {
    const ident = stamp('ada <ada@example.org>', NOW + i * DAY);
    const message = renderLedgerMessage('x', {
      ...{
        ns: 'main',
        txn: '01KDYF0000ABCDEFGHJKMNPQRS',
        baseTree: null,
        indexTree: tree.oid,
        chunksTree: null,
        keysSet: 0,
        keysDel: 0,
      },
      ...{ epoch: label, parentEpoch: labels[i - 1] ?? null, parentLedger: null },
    });
    const ledger = namer.object(
      'commit',
      encodeCommit({ tree: tree.oid, parents: [], author: ident, committer: ident, signature: null, message }, 'sha1'),
    );
    const archive = archiveCommit(namer, { ns: 'main', label, ledger: ledger.oid, tree: tree.oid, index: ledger.oid }, ident);
    await store.write([ledger, archive]);
    const last = i === labels.length - 1;
    if (last) updates.push({ ref: 'refs/kv/main', old: null, next: ledger.oid });
    else if (!gone.includes(label)) updates.push({ ref: `refs/kv-archive/main@${label}`, old: null, next: archive.oid });
    if (!gone.includes(label)) updates.push({ ref: `refs/kv-watchlog/main@${label}`, old: null, next: ledger.oid });
  }
  await store.updateRefs(updates, 'test');
  return store;
}

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
