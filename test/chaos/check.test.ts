import { expect } from 'chai';
import { check, type Rule } from './check.js';
import type { History, Ledger, LedgerEntry, Read, Write } from './history.js';

const NS = 'seq';

/** A write of one key that was acknowledged, unless something else is said. Write n is begun at 10 n and has ended at 10 n + 5. */
const wrote = (n: number, set: Record<string, string>, change: Partial<Write> = {}): Write => ({
  ...{ id: `w${n}`, who: `writer-${n}`, ns: NS, set, del: [], expect: {}, began: 10 * n, ended: 10 * n + 5 },
  ...{ outcome: 'acknowledged', commit: `c${n}` },
  ...change,
});
const entry = (n: number, changes: Record<string, string | null>): LedgerEntry => ({ commit: `c${n}`, write: `w${n}`, changes });
const read = (at: number, values: Record<string, string | null>, change: Partial<Read> = {}): Read => ({
  ...{ who: 'reader', ns: NS, from: 'mirror', values, began: at, ended: at + 1 },
  ...change,
});

const WRITES: readonly Write[] = [
  wrote(1, { a: 'a1' }),
  wrote(2, { a: 'a2' }, { expect: { a: 'a1', b: null } }),
  wrote(3, { b: 'b3' }),
  wrote(4, { a: 'a4' }, { outcome: 'refused', code: 'CAS_CONFLICT', commit: null, expect: { a: 'a1' } }),
  wrote(5, { b: 'b5' }, { outcome: 'unknown', ended: null, commit: null }),
  wrote(6, {}, { del: ['a', 'none'] }),
];
const ENTRIES: readonly LedgerEntry[] = [
  entry(1, { a: 'a1' }),
  entry(2, { a: 'a2' }),
  entry(3, { b: 'b3' }),
  entry(5, { b: 'b5' }),
  entry(6, { a: null }),
];
const READS: readonly Read[] = [
  read(2, { a: null }),
  read(26, { a: 'a2', b: null }),
  read(67, { a: 'a2', b: 'b5' }),
  read(68, { a: null, b: 'b5' }, { from: 'stargate' }),
];
const VALUES = { a: null, b: 'b5' };

const judged = (history: Partial<History>, ledger: Partial<Ledger> = {}): Rule[] =>
  check({ writes: WRITES, reads: READS, ...history }, [{ ns: NS, entries: ENTRIES, values: VALUES, ...ledger }]).map(
    ({ rule }) => rule,
  );
const changed = (n: number, change: Partial<Write>): Write[] =>
  WRITES.map((write) => (write.id === `w${n}` ? { ...write, ...change } : write));
const without = (n: number): LedgerEntry[] => ENTRIES.filter(({ write }) => write !== `w${n}`);

describe('the checker of histories', () => {
  it('finds nothing wrong with what is right', () => {
    expect(judged({})).to.deep.equal([]);
  });

  it('lets a write that nobody was told of be there, or not', () => {
    expect(judged({ reads: [] }, { entries: without(5), values: { a: null, b: 'b3' } })).to.deep.equal([]);
  });

  it('finds a write that was acknowledged before it was committed, and then was not', () => {
    expect(judged({ reads: [] }, { entries: without(3) })).to.deep.equal(['acknowledged']);
  });

  it('finds a write that was ordered twice when it was sent again, under another transaction', () => {
    const again = [...ENTRIES, { commit: 'c7', write: 'w3', changes: { b: 'b3' } }];
    expect(judged({}, { entries: again, values: { a: null, b: 'b3' } })).to.include('once');
    const unknown = [...ENTRIES, { commit: 'c7', write: 'w5', changes: { b: 'b5' } }];
    expect(judged({}, { entries: unknown })).to.include('once');
  });

  it('finds an expectation that was judged against an older state', () => {
    expect(judged({ writes: changed(6, { expect: { a: 'a1' } }) })).to.deep.equal(['expectation']);
    expect(judged({ writes: changed(6, { expect: { b: null } }) })).to.deep.equal(['expectation']);
  });

  it('finds an update that was lost: within its commit, by a later one, and at the tip', () => {
    const lost = (n: number, changes: LedgerEntry['changes']) =>
      ENTRIES.map((one) => (one.write === `w${n}` ? entry(n, changes) : one));
    expect(judged({ reads: [] }, { entries: lost(2, {}) })).to.deep.equal(['replay']);
    expect(judged({ reads: [] }, { entries: lost(5, { b: 'b5', a: 'a1' }) })).to.deep.equal(['replay']);
    expect(judged({}, { values: { a: null, b: 'b3' } })).to.deep.equal(['replay']);
    expect(judged({}, { values: { ...VALUES, c: 'stray' } })).to.deep.equal(['replay']);
  });

  it('finds a read that goes back, per reader', () => {
    const back = read(69, { a: 'a2' });
    expect(judged({ reads: [...READS, back] })).to.deep.equal(['read']);
    expect(judged({ reads: [...READS, { ...back, who: 'another' }] })).to.deep.equal([]);
  });

  it('finds a read of what never was: a value, or values that were not there together', () => {
    expect(judged({ reads: [read(70, { a: 'none' })] })).to.deep.equal(['read']);
    expect(judged({ reads: [read(70, { a: 'a1', b: 'b3' })] })).to.deep.equal(['read']);
  });

  it('finds a Stargate, and a writer’s own clone, that show less than was acknowledged', () => {
    expect(judged({ reads: [read(36, { b: null }, { from: 'stargate' })] })).to.deep.equal(['read']);
    expect(judged({ reads: [read(36, { b: null }, { who: 'writer-3' })] })).to.deep.equal(['read']);
    expect(judged({ reads: [read(36, { b: null })] })).to.deep.equal([]);
  });

  it('finds a read of what nobody had begun to write', () => {
    expect(judged({ reads: [read(26, { b: 'b3' })] })).to.deep.equal(['read']);
  });

  it('finds an answer that is another transaction’s', () => {
    expect(judged({ writes: changed(3, { commit: 'c2' }) })).to.deep.equal(['acknowledged']);
    expect(judged({ writes: changed(3, { commit: null }) })).to.deep.equal(['acknowledged']);
  });

  it('finds a write that was refused, and is there; and one that nobody began', () => {
    expect(judged({ writes: changed(3, { outcome: 'refused', code: 'NOT_FOUND' }) })).to.deep.equal(['refused']);
    expect(judged({ reads: [] }, { entries: [...ENTRIES, { commit: 'c9', write: null, changes: {} }] })).to.deep.equal(['asked']);
  });

  it('finds a write that stands before one that was acknowledged before it began', () => {
    const swapped = [...ENTRIES.slice(0, 2), ...ENTRIES.slice(3, 4), ...ENTRIES.slice(2, 3), ...ENTRIES.slice(4)];
    expect(judged({ reads: [] }, { entries: swapped, values: { a: null, b: 'b3' } })).to.deep.equal(['order']);
  });
});
