import { expect } from 'chai';
import type { Oid } from '../../../ports/vocabulary.js';
import { commit, files } from '../git-objects.js';
import { all, chain, rejects } from './bench.js';
import type { Bench } from './bench.js';

/** The part of the suite about commits and what they follow. */
export function historyContract(bench: Bench): void {
  const { format, capabilities, unknown, store } = bench;

  describe('history', () => {
    it('knows ancestors', async () => {
      const [one, two, three, four] = (await chain(bench, [{ a: '1' }, { a: '2' }, { a: '3' }, { a: '4' }])) as [
        Oid,
        Oid,
        Oid,
        Oid,
      ];
      const { root, objects } = files(format, { z: '9' });
      const other = commit(format, { tree: root, time: 1_700_000_009 });
      await store().write([...objects, other]);
      expect(await store().isAncestor(one, four)).to.equal(true);
      expect(await store().isAncestor(three, four)).to.equal(true);
      expect(await store().isAncestor(two, two)).to.equal(true);
      expect(await store().isAncestor(four, one)).to.equal(false);
      expect(await store().isAncestor(other.oid, four)).to.equal(false);
      expect(await store().isAncestor(unknown, four)).to.equal(false);
      expect(await store().isAncestor(one, unknown)).to.equal(false);
      expect(await store().isAncestor(unknown, unknown)).to.equal(false);
    });

    it('walks newest first, with a limit and without what is excluded', async () => {
      const oids = await chain(
        bench,
        Array.from({ length: 6 }, (_, i) => ({ a: String(i) })),
      );
      const [first, , third] = oids as [Oid, Oid, Oid];
      const tip = oids[5] as Oid;
      expect(await all(store().history({ tip }))).to.deep.equal([...oids].reverse());
      expect(await all(store().history({ tip, limit: 2 }))).to.deep.equal([oids[5], oids[4]]);
      expect(await all(store().history({ tip, limit: 0 }))).to.deep.equal([]);
      expect(await all(store().history({ tip, exclude: third }))).to.deep.equal([oids[5], oids[4], oids[3]]);
      expect(await all(store().history({ tip: first }))).to.deep.equal([first]);
      await rejects(all(store().history({ tip: unknown })), 'GIT_ERROR');
    });

    it('may be left early', async () => {
      const oids = await chain(
        bench,
        Array.from({ length: 5 }, (_, i) => ({ a: String(i) })),
      );
      for await (const oid of store().history({ tip: oids[4] as Oid })) {
        expect(oid).to.equal(oids[4]);
        break;
      }
    });

    const follow = capabilities.pathHistory ? 'follows paths, taken literally' : 'refuses to follow paths';
    it(follow, async () => {
      const oids = await chain(bench, [
        { 'kv/a': '1', 'kv/*': '1' },
        { 'kv/a': '2', 'kv/*': '1' },
        { 'kv/a': '2', 'kv/*': '2' },
        { 'kv/*': '2' },
        { 'kv/*': '2', 'kv/a': '2', x: '1' },
      ]);
      const tip = oids[4] as Oid;
      if (!capabilities.pathHistory) {
        await rejects(all(store().history({ tip, paths: ['kv/a'] })), 'NOT_SUPPORTED');
        return;
      }
      const at = (...indices: number[]) => indices.map((i) => oids[i]);
      expect(await all(store().history({ tip, paths: ['kv/a'] }))).to.deep.equal(at(4, 3, 1, 0));
      expect(await all(store().history({ tip, paths: ['kv/*'] }))).to.deep.equal(at(2, 0));
      expect(await all(store().history({ tip, paths: ['x', 'kv/*'] }))).to.deep.equal(at(4, 2, 0));
      expect(await all(store().history({ tip, paths: ['kv/a'], limit: 1 }))).to.deep.equal(at(4));
      expect(await all(store().history({ tip, paths: ['nope'] }))).to.deep.equal([]);
    });

    it('may be prepared, which changes no answer', async () => {
      const oids = await chain(
        bench,
        Array.from({ length: 8 }, (_, i) => ({ 'kv/a': String(i >> 1), 'kv/b': String(i) })),
      );
      const tip = oids[5] as Oid;
      const ask = async (): Promise<Oid[][]> => [
        await all(store().history({ tip: oids[7] as Oid, paths: ['kv/a'] })),
        await all(store().history({ tip: oids[7] as Oid })),
      ];
      const before = await ask();
      for (let twice = 0; twice < 2; twice++) {
        const prepared = await store().prepareHistory?.(tip);
        if (store().prepareHistory !== undefined) expect(prepared).to.equal(true);
        expect(await ask()).to.deep.equal(before);
      }
      expect(before[0]).to.have.length(4);
    });
  });
}
