import { expect } from 'chai';
import { GitMemoryStore } from '../../adapters/git-memory/open.js';
import { openNoMirror } from '../../adapters/mirror-none/open.js';
import { commit, tree } from '../contracts/git-objects.js';
import { thrownBy } from '../contracts/mirror-target.js';

describe('mirror-none', () => {
  const bench = async () => {
    const store = new GitMemoryStore('sha1');
    const empty = tree('sha1', []);
    const one = commit('sha1', { tree: empty.oid, time: 1 });
    await store.write([empty, one]);
    const refs = ['refs/kv/main', 'refs/kv-index/main', 'refs/heads/refs/kv/main'];
    await store.updateRefs(
      refs.map((ref) => ({ ref, old: null, next: one.oid })),
      'test',
    );
    return { store, oid: one.oid, mirror: openNoMirror(store) };
  };

  it('shows what the repository has, by globs and by whole names', async () => {
    const { mirror } = await bench();
    const listed = async (...globs: string[]): Promise<string[]> => [...(await mirror.refs(globs)).keys()].sort();
    expect(await listed('refs/kv/*')).to.deep.equal(['refs/kv/main']);
    expect(await listed('refs/kv*')).to.deep.equal(['refs/kv-index/main', 'refs/kv/main']);
    expect(await listed('refs/kv/main', 'refs/none/*')).to.deep.equal(['refs/kv/main']);
    expect(await listed()).to.deep.equal([]);
  });

  it('takes every push, and moves nothing by it', async () => {
    const { mirror, oid } = await bench();
    await mirror.push([{ ref: 'refs/kv/other', next: oid, expected: null }]);
    expect((await mirror.refs(['refs/kv/*'])).size).to.equal(1);
    expect((await thrownBy(mirror.push([{ ref: '--all', next: oid }]))).code).to.equal('GIT_ERROR');
    expect((await thrownBy(mirror.push([{ ref: 'refs/kv/x', next: '--all' }]))).code).to.equal('GIT_ERROR');
    expect((await thrownBy(mirror.push([{ ref: 'refs/kv/x', next: oid }], AbortSignal.abort()))).code).to.equal('INTERRUPTED');
  });

  it('brings refs under local names, and says what is not there', async () => {
    const { mirror, store, oid } = await bench();
    await mirror.fetch([{ remoteRef: 'refs/kv/main', localRef: 'refs/stargate/seen/main' }]);
    expect((await store.refs(['refs/stargate/'])).get('refs/stargate/seen/main')).to.equal(oid);
    expect((await thrownBy(mirror.fetch([{ remoteRef: 'refs/kv/no', localRef: 'refs/x/y' }]))).code).to.equal('NOT_FOUND');
    await mirror.close();
    expect((await thrownBy(mirror.refs(['refs/*']))).code).to.equal('IO_ERROR');
  });
});
