import { expect } from 'chai';
import fc from 'fast-check';
import type { Repository } from '../../domain/repo/facade.js';
import { FORMATS } from '../support/memory/memory.js';
import { ANNA, BEN, testRepository } from './support.js';
import { refused } from './refused.js';

const commit = (message: string) => ({ message, author: ANNA });
const text = async (repo: Pick<Repository, 'readFile'>, path: string): Promise<string> =>
  Buffer.from((await repo.readFile(path)).content).toString();

describe('transactions', () => {
  it('are seen by nobody before they are committed, and then at once', async () => {
    const { repo, store } = testRepository();
    await repo.commitChanges(
      'main',
      {
        put: [
          { path: 'a', content: '1' },
          { path: 'd/b', content: '1' },
        ],
      },
      commit('base'),
    );
    const one = await repo.begin();
    await one.apply({
      put: [
        { path: 'a', content: '2' },
        { path: 'new', content: 'n' },
      ],
    });
    await one.apply({ remove: ['d'] });
    const used = store.counts();
    expect(await text(repo, 'a')).to.equal('1');
    expect(await text(one, 'a')).to.equal('2');
    expect((await one.list('')).map(({ path }) => path)).to.deep.equal(['a', 'new']);
    expect((await one.changes()).map(({ status, path }) => `${status} ${path}`)).to.deep.equal([
      'modified a',
      'deleted d/b',
      'added new',
    ]);
    await refused(one.readFile('d/b'), 'NOT_FOUND');
    expect(store.counts()).to.deep.equal(used);
    expect(repo.transaction(one.info().id)).to.equal(one);
    const made = await one.commit(commit('all at once'));
    expect((await repo.show('HEAD')).changes.length).to.equal(3);
    expect(await repo.resolve('main')).to.equal(made.oid);
    await refused(one.apply({ put: [] }), 'NOT_FOUND');
    expect(() => repo.transaction(one.info().id)).to.throw(/committed already/);
  });

  it('are committed on top of others, and the first committer wins on a path that both change', async () => {
    const { repo } = testRepository();
    await repo.commitChanges(
      'main',
      {
        put: [
          { path: 'a', content: '1' },
          { path: 'b', content: '1' },
          { path: 'c', content: '1' },
        ],
      },
      commit('base'),
    );
    const [one, two, three, four] = [await repo.begin(), await repo.begin(), await repo.begin(), await repo.begin()];
    await one.apply({
      put: [
        { path: 'a', content: 'one' },
        { path: 'dir', content: 'a file' },
      ],
      remove: ['c'],
    });
    await two.apply({ put: [{ path: 'b', content: 'two' }] });
    await three.apply({
      put: [
        { path: 'a', content: 'three' },
        { path: 'dir/x', content: 'x' },
        { path: 'c', content: '2' },
        { path: 'free', content: 'f' },
      ],
    });
    await four.apply({ put: [{ path: 'a', content: 'one' }], remove: ['c'] });
    await one.commit(commit('one'));
    await two.commit(commit('two'));
    expect((await three.validate()).conflicts).to.deep.equal(['a', 'c', 'dir/x']);
    const error = await refused(three.commit(commit('three')), 'CAS_CONFLICT');
    expect(error.details?.['paths']).to.deep.equal(['a', 'c', 'dir/x']);
    await three.apply({ remove: ['dir/x'] });
    await refused(three.commit(commit('three')), 'CAS_CONFLICT');
    three.rollback();
    await refused(four.commit(commit('the same as one')), 'INPUT_INVALID');
    expect((await repo.log()).commits.map(({ message }) => message)).to.deep.equal(['two\n', 'one\n', 'base\n']);
    expect([await text(repo, 'a'), await text(repo, 'b')]).to.deep.equal(['one', 'two']);
  });

  it('end when their time is over, when they are rolled back, and with the repository; nothing of them stays in memory', async () => {
    const { repo, store, clock } = testRepository('sha1', { limits: { transactions: 2, transactionIdle: 1000 } });
    const [one, two] = [await repo.begin(), await repo.begin({ idle: 500 })];
    await refused(repo.begin(), 'BUSY');
    await one.apply({ put: [{ path: 'a', content: 'x'.repeat(1000) }] });
    await two.apply({ put: [{ path: 'a', content: 'y'.repeat(1000) }] });
    clock.at += 600;
    await refused(two.apply({ put: [{ path: 'b', content: 'b' }] }), 'EXPIRED');
    expect(() => repo.transaction(two.info().id)).to.throw(/timed out/);
    await one.changes();
    clock.at += 900;
    await one.changes();
    one.rollback();
    await refused(one.commit(commit('late')), 'NOT_FOUND');
    const three = await repo.begin();
    await three.apply({ put: [{ path: 'a', content: 'x'.repeat(1000) }] });
    await repo.close();
    await refused(three.changes(), 'NOT_FOUND');
    expect(store.allowance.used).to.equal(0);
  });

  it('have limits, and a call that passes one changes nothing', async () => {
    const { repo, store } = testRepository('sha1', { limits: { transactionPaths: 3, transactionBytes: 5000 }, room: 20_000 });
    const one = await repo.begin();
    await one.apply({ put: [{ path: 'a', content: 'a' }] });
    const used = store.allowance.used;
    await refused(one.apply({ put: ['b', 'c', 'd'].map((path) => ({ path, content: path })) }), 'POLICY_VIOLATION');
    await refused(one.apply({ put: [{ path: 'b', content: 'b'.repeat(6000) }] }), 'POLICY_VIOLATION');
    await refused(
      one.apply({
        put: [
          { path: 'b', content: 'b' },
          { path: '../c', content: 'c' },
        ],
      }),
      'INPUT_INVALID',
    );
    expect((await one.changes()).map(({ path }) => path)).to.deep.equal(['a']);
    await refused(repo.add({ path: 'x', content: 'x'.repeat(20_000) }), 'STORAGE_FULL');
    expect(store.allowance.used).to.be.within(used, used + 400);
    await one.commit(commit('a'));
    expect((await repo.list('')).map(({ path }) => path)).to.deep.equal(['a']);
  });

  it('ask validators of the state that they would make', async () => {
    const { repo } = testRepository();
    const one = await repo.begin();
    await one.apply({ put: [{ path: 'a.json', content: '{' }] });
    const json = async ({ changes, read }: Parameters<NonNullable<Parameters<typeof one.validate>[0]>[number]>[0]) => {
      const file = await read(changes[0]?.path ?? '');
      return file?.content.length === 1 ? [{ path: 'a.json', message: 'ends early' }] : [];
    };
    expect(await one.validate([json])).to.deep.equal({
      valid: false,
      faults: [{ path: 'a.json', message: 'ends early' }],
      conflicts: [],
    });
    await one.apply({ put: [{ path: 'a.json', content: '{}' }] });
    expect((await one.validate([json])).valid).to.equal(true);
  });

  for (const format of FORMATS) {
    it(`leave the same, whatever is done at the same time: what was committed, in its order (${format})`, async function () {
      this.timeout(20_000);
      const step = fc.record({
        path: fc.constantFrom('a', 'b', 'c/d', 'c/e'),
        value: fc.integer({ min: 0, max: 3 }),
        who: fc.nat(3),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 24 }), fc.array(fc.nat(3), { maxLength: 6 }), async (steps, ends) => {
          const { repo } = testRepository(format);
          await repo.commitChanges('main', { put: [{ path: 'a', content: 'base' }] }, commit('base'));
          const open = await Promise.all([0, 1, 2, 3].map(() => repo.begin()));
          await Promise.all(
            steps.map(({ path, value, who }) =>
              (open[who] as (typeof open)[number]).apply({ put: [{ path, content: `${value}` }] }),
            ),
          );
          const changed = await Promise.all(open.map(async (each) => new Set((await each.changes()).map(({ path }) => path))));
          const outcomes = await Promise.all(
            ends.map(async (who) => {
              try {
                return [
                  who,
                  (await (open[who] as (typeof open)[number]).commit({ message: `${who}`, author: BEN })).oid,
                ] as const;
              } catch {
                return [who, null] as const; // a conflict, nothing to commit, or ended
              }
            }),
          );
          const landed = outcomes.filter(([, oid]) => oid !== null);
          const log = (await repo.log()).commits.map(({ oid }) => oid);
          expect(log.length).to.equal(landed.length + 1);
          expect(new Set(log.slice(0, -1))).to.deep.equal(new Set(landed.map(([, oid]) => oid)));
          for (const [who, oid] of landed) {
            const shown = (await repo.show(oid as string)).changes.map(({ path }) => path);
            for (const path of shown) expect(changed[who]?.has(path)).to.equal(true);
          }
        }),
        { numRuns: 40, seed: 11 },
      );
    });
  }
});

describe('realities', () => {
  it('part from a state, are changed apart from each other, and one becomes true', async () => {
    const { repo, store } = testRepository();
    await repo.commitChanges(
      'main',
      {
        put: [
          { path: 'size', content: '1\n' },
          { path: 'd/x', content: 'x\n' },
        ],
      },
      commit('base'),
    );
    const before = store.counts();
    const [small, large] = (await repo.createRealities(['small', 'large'])) as [
      Awaited<ReturnType<Repository['createRealities']>>[number],
      Awaited<ReturnType<Repository['createRealities']>>[number],
    ];
    await small.apply({ put: [{ path: 'size', content: '2\n' }], author: ANNA });
    await large.apply({ put: [{ path: 'size', content: '8\n' }], author: BEN, message: 'Large' });
    await large.apply({ move: [{ from: 'd', to: 'e' }], author: BEN, message: 'Moved' });
    expect(store.counts(), 'nobody else has any of it').to.deep.equal(before);
    expect([await text(repo, 'size'), await text(small, 'size'), await text(large, 'size')]).to.deep.equal(['1\n', '2\n', '8\n']);
    expect((await large.log()).commits.map(({ message }) => message)).to.deep.equal(['Moved\n', 'Large\n', 'base\n']);
    expect((await large.changes()).map(({ path }) => path)).to.deep.equal(['d/x', 'e/x', 'size']);
    expect((await large.diff({ reality: 'small' })).text).to.include('-2\n+8\n');
    expect((await small.diff()).text).to.include('-1\n+2\n');
    expect((await large.diff({ rev: 'main' }, { paths: ['e'] })).changes.map(({ path }) => path)).to.deep.equal(['e/x']);
    await refused(large.apply({ author: ANNA }), 'INPUT_INVALID');
    await repo.commitChanges('main', { put: [{ path: 'other', content: 'o' }] }, commit('meanwhile'));
    const result = await repo.promote('large', { author: ANNA });
    expect(result.status).to.equal('merged');
    expect((await repo.show('HEAD')).commit.message).to.equal("Merge reality 'large'\n");
    expect((await repo.list('', { recursive: true })).map(({ path }) => path)).to.deep.equal(['e', 'e/x', 'other', 'size']);
    expect((await repo.log()).total).to.equal(5);
    expect(() => repo.reality('large')).to.throw(/no reality/);
    const lost = await repo.promote('small', { author: ANNA });
    expect(lost.status).to.equal('conflicts');
    expect(repo.realities().map((each) => each.info().name)).to.deep.equal(['small']);
    repo.dropReality('small');
    await refused(small.changes(), 'NOT_FOUND');
    await refused(small.apply({ put: [], author: ANNA }), 'NOT_FOUND');
  });

  it('go forward where nothing else has happened, onto a branch of their own choice', async () => {
    const { repo } = testRepository();
    const [first] = await repo.createRealities(['first']);
    expect(first?.info()).to.deep.include({ base: null, tip: null });
    const made = await first?.apply({ put: [{ path: 'a', content: 'a' }], author: ANNA });
    expect(await repo.promote('first', { author: ANNA })).to.deep.equal({ status: 'fast-forward', commit: made?.oid, old: null });
    expect(await repo.resolve('main')).to.equal(made?.oid);
  });

  it('cost kilobytes each, whatever the repository holds, and give all of it back', async () => {
    const { repo, store } = testRepository('sha1', { limits: { realities: 1500 } });
    const put = Array.from({ length: 500 }, (_, i) => ({ path: `d${i % 20}/f${i}`, content: `${i}`.repeat(2000) }));
    await repo.commitChanges('main', { put }, commit('base'));
    const used = store.allowance.used;
    const names = Array.from({ length: 1000 }, (_, i) => `r${i}`);
    const all = await repo.createRealities(names);
    expect((store.allowance.used - used) / 1000).to.be.lessThan(1024);
    await Promise.all(all.map((each, i) => each.apply({ put: [{ path: 'd3/changed', content: `${i}` }], author: ANNA })));
    expect((store.allowance.used - used) / 1000).to.be.lessThan(6 * 1024);
    await refused(repo.createRealities(Array.from({ length: 501 }, (_, i) => `s${i}`)), 'BUSY');
    await refused(repo.createRealities(['new', 'r5']), 'CAS_CONFLICT');
    await refused(repo.createRealities(['new', 'new']), 'CAS_CONFLICT');
    for (const name of ['', 'a b', '../x', '-x', 'x'.repeat(300)]) await refused(repo.createRealities([name]), 'INPUT_INVALID');
    for (const name of names) repo.dropReality(name);
    expect(store.allowance.used).to.equal(used);
  });

  it('stay sound when many are changed and promoted at the same time', async () => {
    const { repo } = testRepository();
    await repo.commitChanges('main', { put: [{ path: 'a', content: 'a' }] }, commit('base'));
    const names = Array.from({ length: 30 }, (_, i) => `r${i}`);
    const all = await repo.createRealities(names);
    await Promise.all(
      all.flatMap((each, i) => [1, 2].map((n) => each.apply({ put: [{ path: `f${i}`, content: `${n}` }], author: ANNA }))),
    );
    const results = await Promise.all(names.map((name) => repo.promote(name, { author: ANNA })));
    expect(results.every(({ status }) => status !== 'conflicts')).to.equal(true);
    expect((await repo.list('')).length).to.equal(31);
    expect((await repo.log()).total).to.equal(1 + 60 + 29);
  });
});

describe('a repository at its limit', () => {
  it('drops what nobody needs before it refuses, and half of nothing is written', async () => {
    const { repo, store } = testRepository('sha1', { room: 300_000 });
    await repo.add({ path: 'kept', content: 'kept' });
    await repo.commit(commit('kept'));
    for (let i = 0; i < 20; i++) {
      await repo.createBranch('waste');
      await repo.commitChanges(
        'waste',
        { put: [{ path: i % 2 === 0 ? 'big' : 'kept', content: `${i}`.repeat(50_000) }] },
        commit('waste'),
      );
      await repo.deleteBranch('waste');
    }
    await repo.createBranch('waste');
    await repo.commitChanges('waste', { put: [{ path: 'big', content: 'b'.repeat(150_000) }] }, commit('big'));
    const [used, counts, log] = [store.allowance.used, store.counts(), await repo.log({ from: 'waste' })];
    await refused(
      repo.commitChanges('waste', { put: [{ path: 'more', content: 'm'.repeat(160_000) }] }, commit('more')),
      'STORAGE_FULL',
    );
    expect(store.counts()).to.deep.equal(counts);
    expect(store.allowance.used).to.equal(used);
    expect(await repo.log({ from: 'waste' })).to.deep.equal(log);
    expect(await text(repo, 'kept')).to.equal('kept');
  });

  it('keeps the room of what is staged where the commit of it finds none', async () => {
    const { repo, store } = testRepository('sha1', { room: 20_000 });
    await repo.add({ path: 'a', content: 'a' });
    await repo.commit(commit('base'));
    await repo.add({ path: 'a', content: 'x'.repeat(15_000) });
    const used = store.allowance.used;
    const release = store.reserve(20_000 - used - 100); // less than its tree and its commit take
    await refused(repo.commit(commit('none')), 'STORAGE_FULL');
    expect(store.allowance.used).to.equal(19_900);
    release();
    await repo.commit(commit('more'));
    expect(await text(repo, 'a')).to.equal('x'.repeat(15_000));
    expect(store.allowance.used).to.be.within(15_000, 17_000);
  });
});
