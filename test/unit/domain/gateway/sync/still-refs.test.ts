import { expect } from 'chai';
import { stillRefs } from '../../../../../domain/gateway/sync/still-refs.js';
import type { GitStore } from '../../../../../ports/git/git-store.js';
import { rejects } from '../../../../contracts/git-store-parts/bench.js';

/** A store whose refs are read as these states, one after another, the last one for ever. */
function reading(...states: Record<string, string>[]): Pick<GitStore, 'refs'> {
  let reads = 0;
  return { refs: async () => new Map(Object.entries(states[Math.min(reads++, states.length - 1)] ?? {})) };
}

describe('the refs of one moment', () => {
  it('are those of two readings in a row that are the same, without what is only looked at', async () => {
    const torn = { 'refs/kv/main': 'b', 'refs/kv-index/main': 'a' };
    const whole = { 'refs/kv/main': 'b', 'refs/kv-index/main': 'b', 'refs/stargate-stage/kv/main': 'c' };
    const refs = await stillRefs(reading({ 'refs/kv/main': 'a' }, torn, whole) as GitStore);
    expect([...refs]).to.deep.equal([
      ['refs/kv/main', 'b'],
      ['refs/kv-index/main', 'b'],
    ]);
  });

  it('are all refs, and those that come or go between two readings are waited for', async () => {
    const store = reading({ a: '1' }, { a: '1', b: '1' }, { a: '1' }, { a: '2', b: '1' }, { a: '1', b: '1' });
    const asked: string[] = [];
    const counted = {
      refs: (patterns: string[]) => {
        asked.push(...patterns);
        return store.refs(patterns);
      },
    };
    expect([...(await stillRefs(counted as Partial<GitStore> as GitStore))]).to.deep.equal([
      ['a', '1'],
      ['b', '1'],
    ]);
    expect(asked).to.deep.equal(Array(6).fill('refs/'));
  });

  it('are not to be had while they never stand still', async () => {
    let count = 0;
    const moving = { refs: async () => new Map([['refs/kv/main', String(count++)]]) };
    await rejects(stillRefs(moving as Partial<GitStore> as GitStore), 'IO_ERROR');
    expect(count).to.equal(200);
  });
});
