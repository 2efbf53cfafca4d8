import { expect } from 'chai';
import { checkMembers, isQuorum, majorityOf, votesNeeded } from '../../../../../domain/gateway/replicate/quorum.js';
import { KvError } from '../../../../../ports/error.js';

function refusal(run: () => void): KvError | null {
  try {
    run();
  } catch (error) {
    if (KvError.is(error)) return error;
    throw error;
  }
  return null;
}

describe('a quorum', () => {
  it('is more than half of the configured servers', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map(majorityOf)).to.deep.equal([1, 2, 2, 3, 3, 4, 4]);
  });

  it('counts members alone, before a change and after it', () => {
    const votes = (...names: string[]): Set<string> => new Set(names);
    const three = ['a', 'b', 'c'];
    expect(isQuorum(votes('a', 'b'), three, three, 'quorum')).to.equal(true);
    expect(isQuorum(votes('a', 'x', 'y'), three, three, 'quorum'), 'strangers').to.equal(false);
    expect(isQuorum(votes('a', 'b'), three, ['a', 'b', 'c', 'd'], 'quorum'), 'two of four').to.equal(false);
    expect(isQuorum(votes('a', 'd'), ['a', 'b'], ['a', 'b', 'd'], 'quorum'), 'one of the two before').to.equal(false);
    expect(isQuorum(votes('a', 'b', 'd'), three, ['a', 'b', 'c', 'd'], 'quorum')).to.equal(true);
  });

  it('is less where the policy asks for less', () => {
    expect([1, 2, 3, 5].map((servers) => votesNeeded('leader', servers))).to.deep.equal([1, 1, 1, 1]);
    expect([1, 2, 3, 5].map((servers) => votesNeeded('standby', servers))).to.deep.equal([1, 2, 2, 2]);
    expect([1, 2, 3, 5].map((servers) => votesNeeded('quorum', servers))).to.deep.equal([1, 2, 2, 3]);
  });
});

describe('the members of a cluster', () => {
  it('have names, each its own, whatever its case', () => {
    expect(refusal(() => checkMembers(['server-1', 'server-2']))).to.equal(null);
    for (const members of [[], ['a', 'a'], ['a', 'A'], ['a b'], ['-a'], ['x'.repeat(64)], ['']])
      expect(refusal(() => checkMembers(members))?.code, members.join()).to.equal('CONFIG_INVALID');
  });
});
