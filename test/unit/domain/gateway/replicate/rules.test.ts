import { expect } from 'chai';
import { movesOf, newerHead } from '../../../../../domain/gateway/replicate/entry.js';
import { RULES } from '../../../../../domain/gateway/replicate/rules.js';
import { entryOf, HEAD, headAfter, MEMBERS, OTHER, START, voteFor } from './steps.js';

describe('a rule of the protocol', () => {
  it('isOldTerm: a term before one that was seen', () => {
    expect([2, 3, 4].map((term) => RULES.isOldTerm(term, 3))).to.deep.equal([true, false, false]);
  });

  it('supersedes: a later attempt of one term, or whatever another term proposes', () => {
    const stored = entryOf({ term: 3, attempt: 5 });
    const over = (term: number, attempt: number): boolean => RULES.supersedes(entryOf({ term, attempt }), stored);
    expect([over(3, 4), over(3, 5), over(3, 6), over(4, 1), over(4, 5)]).to.deep.equal([false, false, true, true, true]);
  });

  it('continues: what is next, on the very tips that are here', () => {
    const on = (fields: Parameters<typeof entryOf>[0]): boolean => RULES.continues(entryOf(fields), START);
    expect([on({}), on({ sequence: 6 }), on({ sequence: 4 }), on({ before: OTHER })]).to.deep.equal([true, false, false, false]);
  });

  it('isDecided and maySend: the head is this very entry', () => {
    const entry = entryOf();
    const at = headAfter(entry);
    for (const rule of [RULES.isDecided, RULES.maySend])
      expect(
        [at, { ...at, term: 9 }, { ...at, digest: OTHER }, { ...at, sequence: 6 }].map((head) => rule(entry, head)),
      ).to.deep.equal([true, true, false, false]);
    expect(RULES.maySend(entry, null)).to.equal(false);
  });

  it('isAborted: beyond the head, and settled by its own leader or behind a later one', () => {
    const aborted = (term: number, settled: number, sequence = 4): boolean =>
      RULES.isAborted(entryOf({ term: 3, attempt: 2 }), term, { ...HEAD, sequence }, settled);
    expect([aborted(3, 1), aborted(3, 2), aborted(3, 3), aborted(4, 0), aborted(2, 9)]).to.deep.equal([
      false,
      true,
      true,
      true,
      false,
    ]);
    expect([aborted(4, 9, 5), aborted(4, 9, 6)], 'the history has reached it').to.deep.equal([false, false]);
  });

  it('countsFor: a vote for the term, the attempt and the digest', () => {
    const entry = entryOf();
    const vote = voteFor(entry) as Parameters<typeof RULES.countsFor>[0];
    const wrong = [{ term: 4 }, { attempt: 2 }, { digest: OTHER }];
    expect([{}, ...wrong].map((change) => RULES.countsFor({ ...vote, ...change }, entry))).to.deep.equal([
      true,
      false,
      false,
      false,
    ]);
  });

  it('holds: refs stand where the head does', () => {
    const heads = [HEAD, { ...HEAD, term: 9 }, { ...HEAD, digest: OTHER }, { ...HEAD, sequence: 5 }];
    expect(heads.map((head) => RULES.holds(START, head))).to.deep.equal([true, true, false, false]);
  });
});

describe('a history of entries', () => {
  it('has the newer head: the later entry, or the same one in a later term', () => {
    const newer = (more: Partial<typeof HEAD>): boolean => {
      const other = { ...HEAD, ...more };
      return newerHead(HEAD, other) === other;
    };
    expect(newerHead(null, HEAD)).to.equal(HEAD);
    expect([newer({ sequence: 5, term: 1 }), newer({ term: 4 })]).to.deep.equal([true, true]);
    expect([newer({}), newer({ term: 2 }), newer({ sequence: 3, term: 9 })]).to.deep.equal([false, false, false]);
  });

  it('takes a change of members in as a move of its own', () => {
    const { updates } = entryOf();
    expect(movesOf(updates, MEMBERS, [...MEMBERS])).to.equal(updates);
    expect(movesOf(updates, MEMBERS, ['a', 'b'])).to.deep.equal([...updates, { ref: 'members', old: 'a b c', next: 'a b' }]);
    expect(movesOf([], [], ['a'])).to.deep.equal([{ ref: 'members', old: null, next: 'a' }]);
  });
});
