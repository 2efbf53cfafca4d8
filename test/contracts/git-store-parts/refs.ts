import { expect } from 'chai';
import type { Oid } from '../../../ports/vocabulary.js';
import { chain, rejects } from './bench.js';
import type { Bench } from './bench.js';

/** The part about refs and their transactions. */
export function refsContract(bench: Bench): void {
  const { unknown, store } = bench;

  describe('refs', () => {
    const REFS = ['refs/kv/main', 'refs/kv/main2', 'refs/kv-index/main', 'refs/heads/x/main', 'refs/heads/x/y'];

    it('lists exact names and what is below a prefix, and nothing that only resembles it', async () => {
      const [tip] = (await chain(bench, [{ a: '1' }])) as [Oid];
      await store().updateRefs(
        REFS.map((ref) => ({ ref, old: null, next: tip })),
        'test',
      );
      const names = async (...patterns: string[]) => [...(await store().refs(patterns)).keys()].sort();
      expect(await names('refs/kv/main')).to.deep.equal(['refs/kv/main']);
      expect(await names('refs/kv/ma')).to.deep.equal([]);
      expect(await names('refs/kv')).to.deep.equal([]);
      expect(await names('refs/heads/x')).to.deep.equal([]);
      expect(await names('refs/kv/')).to.deep.equal(['refs/kv/main', 'refs/kv/main2']);
      expect(await names('refs/kv/', 'refs/kv/main', 'refs/heads/x/')).to.deep.equal([
        'refs/heads/x/main',
        'refs/heads/x/y',
        'refs/kv/main',
        'refs/kv/main2',
      ]);
      expect(await names('refs/')).to.deep.equal([...REFS].sort());
      expect(await names()).to.deep.equal([]);
      expect((await store().refs(['refs/kv/main'])).get('refs/kv/main')).to.equal(tip);
      await rejects(store().refs(['refs/kv/*']), 'INPUT_INVALID');
      await rejects(store().refs(['--all']), 'INPUT_INVALID');
    });

    it('creates, moves and deletes', async () => {
      const [one, two] = (await chain(bench, [{ a: '1' }, { a: '2' }])) as [Oid, Oid];
      const ref = 'refs/kv/main';
      await store().updateRefs([{ ref, old: null, next: one }], 'create');
      await store().updateRefs([{ ref, old: one, next: two }], 'move');
      expect(await store().refs([ref])).to.deep.equal(new Map([[ref, two]]));
      await store().updateRefs([{ ref, old: two, next: null }], 'delete');
      expect((await store().refs([ref])).size).to.equal(0);
      await store().updateRefs(
        [
          { ref, old: null, next: null },
          { ref: 'refs/kv/b', old: null, next: one },
        ],
        'verify, create',
      );
      expect([...(await store().refs(['refs/kv/'])).keys()]).to.deep.equal(['refs/kv/b']);
      await store().updateRefs([], 'nothing');
    });

    it('answers a moved ref with CAS_CONFLICT that names it, and works on afterwards', async () => {
      const [one, two] = (await chain(bench, [{ a: '1' }, { a: '2' }])) as [Oid, Oid];
      await store().updateRefs([{ ref: 'refs/kv/main', old: null, next: one }], 'create');
      const cases = [
        { ref: 'refs/kv/main', old: null, next: two },
        { ref: 'refs/kv/main', old: two, next: one },
        { ref: 'refs/kv/none', old: one, next: two },
        { ref: 'refs/kv/main', old: two, next: null },
        { ref: 'refs/kv/main', old: two, next: two },
        { ref: 'refs/kv/main', old: null, next: null },
        { ref: 'refs/kv/none', old: one, next: null },
      ];
      for (const update of cases) {
        const error = await rejects(store().updateRefs([update], 'late'), 'CAS_CONFLICT');
        expect(error.message).to.include(update.ref);
        expect(error.details?.['ref']).to.equal(update.ref);
        expect(error.hint).to.be.a('string');
      }
      await store().updateRefs([{ ref: 'refs/kv/main', old: one, next: two }], 'on time');
      expect((await store().refs(['refs/kv/main'])).get('refs/kv/main')).to.equal(two);
    });

    it('moves all or none', async () => {
      const [one, two] = (await chain(bench, [{ a: '1' }, { a: '2' }])) as [Oid, Oid];
      const names = ['refs/kv/main', 'refs/kv-index/main', 'refs/kv-chunks/main@v1'];
      await store().updateRefs(
        names.map((ref) => ({ ref, old: null, next: one })),
        'create',
      );
      const updates = names.map((ref, i) => ({ ref, old: i === 1 ? two : one, next: two }));
      const error = await rejects(store().updateRefs(updates, 'one is stale'), 'CAS_CONFLICT');
      expect(error.details?.['ref']).to.equal(names[1]);
      expect([...(await store().refs(names)).values()]).to.deep.equal([one, one, one]);
    });

    it('refuses names that are none, objects that are not there, and one ref twice', async () => {
      const [one] = (await chain(bench, [{ a: '1' }])) as [Oid];
      for (const ref of ['HEAD', 'refs/kv/a b', 'refs/kv/a\ncommit', 'refs/kv/../x', 'refs/kv/x.lock', '-d', 'refs/kv/']) {
        await rejects(store().updateRefs([{ ref, old: null, next: one }], 'bad'), 'INPUT_INVALID');
      }
      await rejects(store().updateRefs([{ ref: 'refs/kv/main', old: null, next: unknown }], 'bad'), 'GIT_ERROR');
      const twice = { ref: 'refs/kv/main', old: null, next: one };
      await rejects(store().updateRefs([twice, twice], 'bad'), 'GIT_ERROR');
      expect((await store().refs(['refs/'])).size).to.equal(0);
    });

    it('lets exactly one of many writers win', async () => {
      const oids = await chain(
        bench,
        Array.from({ length: 10 }, (_, i) => ({ a: String(i) })),
      );
      const outcomes = await Promise.allSettled(
        oids.map((next) => store().updateRefs([{ ref: 'refs/kv/main', old: null, next }], 'race')),
      );
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled').length).to.equal(1);
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason.code).to.equal('CAS_CONFLICT');
    });
  });
}
