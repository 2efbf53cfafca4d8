import { expect } from 'chai';
import { GitMemoryStore } from '../../adapters/git-memory/open.js';
import { openNoMirror } from '../../adapters/mirror-none/open.js';
import { commit, tree } from '../contracts/git-objects.js';
import { mirrorTargetContract, thrownBy, type MirrorBench } from '../contracts/mirror-target.js';

async function bench(format: 'sha1' | 'sha256'): Promise<MirrorBench> {
  const store = new GitMemoryStore(format);
  const empty = tree(format, []);
  const at = (message: string, ...parents: string[]) => commit(format, { tree: empty.oid, parents, time: 1, message });
  const a = at('a');
  const [b, x] = [at('b', a.oid), at('x', a.oid)];
  const c = at('c', b.oid);
  await store.write([empty, a, b, c, x]);
  const localRef = async (ref: string) => (await store.refs([ref])).get(ref) ?? null;
  const target = openNoMirror(store);
  return {
    ...{ target, localRef, commits: { a: a.oid, b: b.oid, c: c.oid, x: x.oid } },
    meddle: async (ref, next) => store.updateRefs([{ ref, old: await localRef(ref), next }], 'test'),
    vanish: () => target.close(),
    dispose: () => store.close(),
  };
}

for (const format of ['sha1', 'sha256'] as const) mirrorTargetContract(`mirror-none, ${format}`, () => bench(format));

describe('mirror-none', () => {
  it('matches globs within a name too, and is of no use once it is closed', async () => {
    const { target, commits, meddle } = await bench('sha1');
    for (const ref of ['refs/kv/main', 'refs/kv-index/main', 'refs/heads/refs/kv/main']) await meddle(ref, commits.a);
    expect([...(await target.refs(['refs/kv*'])).keys()].sort()).to.deep.equal(['refs/kv-index/main', 'refs/kv/main']);
    expect((await target.refs([])).size).to.equal(0);
    await target.close();
    expect((await thrownBy(target.refs(['refs/*']))).code).to.equal('IO_ERROR');
  });
});
