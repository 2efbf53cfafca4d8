import { expect } from 'chai';
import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { blob, commit, files } from '../git-objects.js';
import { chain, rejects } from './bench.js';
import type { Bench } from './bench.js';

/** What a store may offer besides: what it doesn't offer is not asked. */
export function landingContract(bench: Bench): void {
  const { format, unknown, store } = bench;

  describe('HEAD', () => {
    it('names a branch, which need not be there, or a commit', async function () {
      const { head, setHead } = store();
      if (head === undefined || setHead === undefined) this.skip();
      expect(await store().head?.()).to.match(/^refs\/heads\/ma/);
      await store().setHead?.('refs/heads/later/one');
      expect(await store().head?.()).to.equal('refs/heads/later/one');
      const [tip] = (await chain(bench, [{ a: '1' }])) as [Oid];
      await store().setHead?.(tip);
      expect(await store().head?.()).to.equal(tip);
      for (const target of ['main', 'refs/tags/v1', 'refs/heads/a..b', '', '--x', unknown])
        await rejects(store().setHead?.(target) ?? Promise.resolve(), 'INPUT_INVALID');
      expect(await store().head?.()).to.equal(tip);
    });
  });

  describe('landing', () => {
    it('stores objects and moves refs together, or does neither', async function () {
      if (store().land === undefined) this.skip();
      const { root, objects } = files(format, { a: '1' });
      const made = commit(format, { tree: root, time: 1_700_000_000 });
      const ref = 'refs/heads/main';
      const landed = await store().land?.([...objects, made], [{ ref, old: null, next: made.oid }], 'test');
      expect((await store().refs([ref])).get(ref), 'seen before it is durable').to.equal(made.oid);
      await landed?.durable;
      expect((await store().read([root]))[0]?.type).to.equal('tree');
      const late = commit(format, { tree: root, time: 1_700_000_001 });
      for (const update of [
        { ref, old: null, next: late.oid },
        { ref: 'refs/heads/main/below', old: null, next: late.oid },
        { ref: 'refs/heads/none', old: null, next: unknown },
      ]) {
        const error = await (store().land?.([late], [update], 'test') ?? Promise.resolve()).then(
          () => null,
          (thrown: unknown) => thrown,
        );
        expect(KvError.is(error) ? error.code : error).to.be.oneOf(['CAS_CONFLICT', 'GIT_ERROR']);
      }
      expect((await store().read([late.oid]))[0]).to.equal(null);
      await (await store().land?.([late], [{ ref, old: made.oid, next: late.oid }], 'test'))?.durable;
      expect((await store().refs([ref])).get(ref)).to.equal(late.oid);
    });
  });

  describe('pruning', () => {
    it('drops from memory what neither a ref nor HEAD nor what is kept reaches, and nothing else', async function () {
      if (store().prune === undefined) this.skip();
      const oids = (await chain(bench, [{ a: '1' }, { a: '2' }, { b: '3' }])) as [Oid, Oid, Oid];
      const lone = [blob(format, 'lone'), blob(format, 'kept')] as const;
      await store().write(lone);
      await store().updateRefs([{ ref: 'refs/heads/main', old: null, next: oids[1] }], 'test');
      expect(await store().prune?.([lone[1].oid])).to.be.greaterThan(0);
      const there = await store().read([...oids, lone[0].oid, lone[1].oid]);
      const isElsewhere = bench.capabilities.durable;
      expect(there.map((object) => object !== null)).to.deep.equal([true, true, isElsewhere, isElsewhere, true]);
      expect((await store().readPaths(oids[0], ['a']))[0]?.type).to.equal('blob');
    });
  });
}
