import { expect } from 'chai';
import { smallPack } from '../../../../adapters/git-cli/pack/small-pack.js';
import { openGitStore } from '../../../../adapters/git-cli/store.js';
import { commit, files } from '../../../contracts/git-objects.js';
import { failure } from '../../../support/failure.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

describe('git-cli: a pack that comes with an answer', () => {
  it('is taken in whole, and only when it is sound and nothing that it names is missing', async () => {
    const sandbox = new Sandbox();
    const directory = sandbox.bare('store.git', 'sha1');
    const store = await openGitStore({ directory, env: sandbox.env });
    try {
      const { root, objects } = files('sha1', { 'a/b': 'text' });
      const made = commit('sha1', { tree: root, time: 1_700_000_000 });
      const all = [...objects, made];
      const [first] = all;
      if (first === undefined) throw new Error('there are objects');
      const pack = smallPack('sha1', all);
      const damaged = Buffer.from(pack);
      damaged[30] = (damaged[30] ?? 0) ^ 1;
      const odd = { ...commit('sha1', { tree: root, time: 1 }), body: Buffer.from('tree nowhere\n\n') };
      for (const [what, bytes] of [
        ['damaged', damaged],
        ['cut off', pack.subarray(0, 60)],
        ['without a blob', smallPack('sha1', all.slice(1))],
        ['a commit that is none', smallPack('sha1', [...objects, odd])],
        ['empty', Buffer.alloc(0)],
      ] as const) {
        await failure(store.takePack(bytes), 'GIT_ERROR');
        expect(await store.read([made.oid, first.oid]), what).to.deep.equal([null, null]);
      }
      await store.takePack(pack);
      const found = await store.read(all.map(({ oid }) => oid));
      expect(found.map((object) => object?.type)).to.deep.equal(all.map(({ type }) => type));
    } finally {
      await store.close();
      sandbox.remove();
    }
  });
});
