import { expect } from 'chai';
import type { Oid } from '../../../ports/vocabulary.js';
import { tag } from '../git-objects.js';
import { chain, rejects } from './bench.js';
import type { Bench } from './bench.js';

/** The part about what lies at a path of a tree. */
export function pathsContract(bench: Bench): void {
  const { format, unknown, store } = bench;

  describe('paths', () => {
    it('reads below a commit, a tree and a tag', async () => {
      const [tip] = (await chain(bench, [{ 'kv/main/a b': '1', 'kv/main/%2E': '2', top: '3' }])) as [Oid];
      const label = tag(format, tip, 'v1');
      await store().write([label]);
      const root = (await store().readPaths(tip, ['']))[0];
      expect(root?.type).to.equal('tree');
      for (const from of [tip, root?.oid ?? '', label.oid]) {
        const found = await store().readPaths(from, ['top', 'nope', 'kv/main/a b', 'kv/main', 'kv/main/%2E', 'top/below', 'top']);
        const shown = found.map((each) => (each?.type === 'blob' ? Buffer.from(each.body).toString() : (each?.type ?? null)));
        expect(shown).to.deep.equal(['3', null, '1', 'tree', '2', null, '3']);
      }
    });

    it('gives null for paths that no tree can hold and for an unknown root', async () => {
      const [tip] = (await chain(bench, [{ 'a/b': '1' }])) as [Oid];
      const paths = ['./a', '../a', 'a/', '/a', 'a//b', 'a/./b', '.', ' missing', 'a/b'];
      expect((await store().readPaths(tip, paths)).map((each) => each !== null)).to.deep.equal([...Array(8).fill(false), true]);
      expect(await store().readPaths(unknown, ['a', ''])).to.deep.equal([null, null]);
    });

    it('refuses a newline', async () => {
      const [tip] = (await chain(bench, [{ a: '1' }])) as [Oid];
      await rejects(store().readPaths(tip, ['a\nb']), 'INPUT_INVALID');
    });
  });
}
