import { expect } from 'chai';
import type { Entry } from '../../../../../domain/gateway/replicate/entry.js';
import { EntryHistory } from '../../../../../domain/gateway/replicate/follower/entry-history.js';
import { chainFrom, chainTo, entryOf, intentOf } from '../../../../../domain/gateway/replicate/intent-entry.js';

const entryAt = (sequence: number): Entry => ({
  ...{ id: `id${sequence}`, sequence, term: 3, attempt: 2, before: `d${sequence - 1}`, after: `d${sequence}` },
  ...{ updates: [{ ref: 'refs/heads/a', old: null, next: 'ab'.repeat(20) }], events: [], members: ['one', 'two'] },
});
/** An entry of about so many bytes. */
const large = (sequence: number, bytes: number): Entry => {
  const updates = Array.from({ length: bytes / 200 }, (_, at) => ({ ref: `refs/heads/${at}`, old: null, next: 'ab'.repeat(20) }));
  return { ...entryAt(sequence), updates };
};
const MB = 1024 * 1024;

describe('the history that a server keeps', () => {
  it('is told by the journal too: the entries that lead there without a gap', () => {
    const entries = [1, 2, 3, 4].map(entryAt);
    for (const entry of entries) expect(entryOf(intentOf(entry, 'now'))).to.deep.equal(entry);
    expect(entryOf({ kind: 'intent', id: 'x', term: 1, ts: 'now', updates: [], events: [] })).to.equal(null);
    const other = { ...entryAt(3), after: 'otherwise' };
    const chain = chainTo({ sequence: 4, digest: 'd4' }, [entries[0], entries[1], entries[2], other, entries[3]] as Entry[]);
    expect(chain).to.deep.equal(entries);
    expect(chainTo({ sequence: 4, digest: 'd4' }, [entries[0], entries[3]] as Entry[])).to.deep.equal([entries[3]]);
    expect(chainTo({ sequence: 4, digest: 'x' }, entries)).to.deep.equal([]);
  });

  it('gives what follows a position, or says that it is gone', () => {
    const history = new EntryHistory({ sequence: 2, digest: 'd2', members: [] }, [entryAt(2)]);
    history.add(entryAt(3));
    expect(history.from(1)).to.deep.include({ digestThere: 'd1', after: [entryAt(2), entryAt(3)] });
    expect(history.from(3)).to.deep.include({ digestThere: 'd3', after: [] });
    expect(history.from(0)).to.deep.include({ digestThere: null, after: null });
    expect(history.from(9)).to.deep.include({ digestThere: null, after: [] });
    for (let sequence = 4; sequence < 4500; sequence++) history.add(entryAt(sequence));
    expect(history.from(3)).to.deep.include({ digestThere: 'd3', after: null });
    expect(history.from(498).after).to.equal(null);
    expect(history.from(499).after).to.have.length(1000);
    expect(history.from(4298).after).to.have.length(201);
  });

  it('keeps fewer entries where each is large: what is behind for long costs no memory', () => {
    const history = new EntryHistory({ sequence: 0, digest: 'd0', members: [] });
    const ref = (at: number) => ({ ref: `refs/heads/${at}`, old: null, next: 'ab'.repeat(20) });
    const updates = Array.from({ length: 2000 }, (_, at) => ref(at));
    for (let sequence = 1; sequence <= 200; sequence++) history.add({ ...entryAt(sequence), updates });
    const kept = Array.from({ length: 200 }, (_, at) => at).filter((at) => history.from(at).after !== null).length;
    expect(kept).to.be.within(20, 50); // of 400 kB each
    expect(history.from(199).after).to.have.length(1);
    expect(history.from(190).after).to.have.length(10);
  });

  it('keeps what it began with no longer than what came since', () => {
    const entries = Array.from({ length: 100 }, (_, at) => large(at + 1, 0.4 * MB));
    const history = new EntryHistory({ sequence: 100, digest: 'd100', members: [] }, entries);
    const kept = (): number => Array.from({ length: 100 }, (_, at) => at).filter((at) => history.from(at).after !== null).length;
    expect(kept()).to.be.within(35, 40); // of 16 MiB
    const many = new EntryHistory(
      { sequence: 5000, digest: 'd5000', members: [] },
      Array.from({ length: 5000 }, (_, at) => entryAt(at + 1)),
    );
    expect([many.from(999).after, many.from(1000).after?.length]).to.deep.equal([null, 1000]);
  });

  it('gives an entry that is larger than an answer alone, and none that is larger than all it keeps', () => {
    const history = new EntryHistory({ sequence: 0, digest: 'd0', members: [] });
    const [one, two] = [large(1, 5 * MB), large(2, 5 * MB)];
    history.add(one);
    history.add(two);
    expect([history.from(0).after, history.from(1).after]).to.deep.equal([[one], [two]]);
    history.add(large(3, 17 * MB));
    expect(history.from(2)).to.deep.include({ digestThere: 'd2', after: null });
    expect(history.from(3)).to.deep.include({ digestThere: 'd3', after: [] });
    history.add(entryAt(4));
    expect(history.from(3).after, 'what is small again').to.deep.equal([entryAt(4)]);
  });

  it('knows the digest where it began, and none where nothing was', () => {
    const standing = (sequence: number) => ({ sequence, digest: `d${sequence}`, members: [] });
    expect(new EntryHistory(standing(0)).from(0).digestThere).to.equal('d0');
    expect(new EntryHistory(standing(7)).from(7).digestThere).to.equal('d7');
    expect(new EntryHistory({ sequence: -1, digest: '', members: [] }).from(-1).digestThere).to.equal(null);
    const noted = new EntryHistory(standing(0));
    const events = Array.from({ length: 2000 }, () => EVENT);
    for (let sequence = 1; sequence <= 30; sequence++) noted.add({ ...large(sequence, 0.4 * MB), events });
    expect(noted.from(0).after, 'events take room too').to.equal(null);
  });
});

const EVENT = {
  ...{ v: 1 as const, ns: 'main', epoch: 'e', oid: 'ab'.repeat(20), txn: 't', received: 'now', signer: 'ada' },
  ...{ set: 1, del: 0, parentEpoch: null },
};

describe('a journal of entries', () => {
  it('gives those that follow a position without a gap, the last of each place', () => {
    const entries = [1, 2, 3].map(entryAt);
    const again = { ...entryAt(2), id: 'again' };
    expect(chainFrom({ sequence: 0, digest: 'd0' }, [...entries, again])).to.deep.equal([entries[0], again, entries[2]]);
    expect(chainFrom({ sequence: 1, digest: 'x' }, entries)).to.deep.equal([]);
    expect(chainFrom({ sequence: 0, digest: 'd0' }, [entries[0], entries[2]] as Entry[])).to.deep.equal([entries[0]]);
  });

  it('gives those that lead to a position, and none of another place with the same digest', () => {
    const entries = [1, 2].map(entryAt);
    const back = { ...entryAt(3), after: 'd2' };
    expect(chainTo({ sequence: 2, digest: 'd2' }, [...entries, back])).to.deep.equal(entries);
  });
});
