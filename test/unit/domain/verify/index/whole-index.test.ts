import { expect } from 'chai';
import { encodeLayout, SPLIT_ABOVE } from '../../../../../domain/index/layout.js';
import { MAX_NAME } from '../../../../../domain/git/tree/tree-shape.js';
import type { Pointer } from '../../../../../domain/ledger/value/pointer.js';
import { IndexWalk } from '../../../../../domain/verify/index/index-walk.js';
import { LivePointers } from '../../../../../domain/verify/index/live-pointers.js';
import { checkWholeIndex } from '../../../../../domain/verify/index/whole-index.js';
import type { Oid } from '../../../../../ports/vocabulary.js';
import type { Told } from '../../../../support/formats/rules.js';
import { INDEX, IndexBench, LAYOUT, numbered, pointer } from './index-bench.js';

const EXPIRES = '2026-01-02T03:04:05.678Z';
const mismatch = (subject: Told['subject']): Told => ({ code: 'ATTESTATION_MISMATCH', subject });
const SHAPE = mismatch({});
const misplaced = (path: string): Told => mismatch({ path });

describe('a whole index, held against the live keys', () => {
  let bench: IndexBench;
  let progress: string[];
  beforeEach(() => {
    bench = new IndexBench();
    progress = [];
  });

  /** `live`: what the ledger has; null for a key whose pointer is not known. */
  async function check(tree: Oid, live: Readonly<Record<string, Pointer | null>>, blobs = true): Promise<Told[]> {
    const known = new LivePointers(bench.namer);
    for (const [key, one] of Object.entries(live)) known.add(key, one);
    const keys = async function* () {
      yield Object.keys(live);
    };
    await checkWholeIndex(bench.rules, { tree, live: known, keys, blobs, onProgress: (what) => progress.push(what) });
    return bench.told();
  }
  const alive = (...pointers: Pointer[]): Record<string, Pointer> => Object.fromEntries(pointers.map((one) => [one.key, one]));

  it('is sound with each key’s pointer, tombstones, and nothing else', async () => {
    const live = [pointer('a'), pointer('b.c', 2, EXPIRES), ...numbered(SPLIT_ABOVE + 1).map((key) => pointer(key))];
    const tree = await bench.index([...live, pointer('gone', null)]);
    for (const blobs of [true, false]) expect(await check(tree, alive(...live), blobs)).to.deep.equal([]);
    expect(progress.at(-1)).to.equal(`${live.length + 1} keys of the index`);
    expect(await check(tree, { ...alive(...live), a: null, 'b.c': null })).to.deep.equal([]);
  });

  it('says progress as it goes', async () => {
    await check(await bench.index([pointer('a'), pointer('bcdef')]), alive(pointer('a'), pointer('bcdef')));
    expect(progress).to.deep.equal(['0', '0', '0', '0', '0', '2'].map((count) => `${count} keys of the index`));
  });

  it('lacks a key, has another pointer to it, or one that is dead', async () => {
    const tree = await bench.index([pointer('a'), pointer('b.c', 2, EXPIRES), pointer('d', null)]);
    const live = alive(pointer('a'), pointer('b.c', 2, EXPIRES));
    for (const blobs of [true, false]) {
      expect(await check(tree, { ...live, e: pointer('e') }, blobs)).to.deep.equal([mismatch({ key: 'e' })]);
      expect(await check(tree, { ...live, e: null }, blobs)).to.deep.equal([mismatch({ key: 'e' })]);
      expect(await check(tree, { ...live, a: pointer('a', 2) }, blobs)).to.deep.equal([mismatch({ key: 'a' })]);
      expect(await check(tree, { ...live, d: pointer('d') }, blobs)).to.deep.equal([mismatch({ key: 'd' })]);
      const plain = await bench.tree(
        { [`${INDEX}/b%/2E/b%2Ec.ref`]: await bench.file(pointer('b.c', 2, EXPIRES), '100644') },
        tree,
      );
      expect(await check(plain, live, blobs)).to.deep.equal([mismatch({ key: 'b.c' })]);
      const marked = await bench.tree({ [`${INDEX}/a_/__/a.ref`]: await bench.file(pointer('a'), '100755') }, tree);
      expect(await check(marked, live, blobs)).to.deep.equal([mismatch({ key: 'a' })]);
    }
  });

  it('has a key that the ledger has not, whatever its mode says', async () => {
    const tree = await bench.index([pointer('a'), pointer('ghost'), pointer('spirit', 1, EXPIRES), pointer('d', null)]);
    const live = alive(pointer('a'));
    expect(await check(tree, live)).to.deep.equal([mismatch({ key: 'ghost' }), mismatch({ key: 'spirit' })]);
    // Without blobs nobody can tell a tombstone from a key that expires.
    expect(await check(tree, live, false)).to.deep.equal([mismatch({ key: 'ghost' })]);
    const hidden = await bench.tree({ [`${INDEX}/d_/__/d.ref`]: await bench.file(pointer('d', null), '100644') }, tree);
    expect(await check(hidden, alive(pointer('a'), pointer('ghost'), pointer('spirit', 1, EXPIRES)))).to.deep.equal([
      mismatch({ key: 'd' }),
    ]);
    const rubbish = await bench.tree({ [`${INDEX}/d_/__/d.ref`]: { mode: '100755', oid: await bench.blob('x') } }, tree);
    const unread = { ...mismatch({ key: 'd' }), advice: { id: 'write-through-client' } };
    expect(await check(rubbish, alive(pointer('a'), pointer('ghost'), pointer('spirit', 1, EXPIRES)))).to.deep.equal([unread]);
  });

  it('has files that are not there', async () => {
    const tree = await bench.index([pointer('a'), pointer('b.c', null)]);
    const [a, bc, layout] = [
      await bench.file(pointer('a')),
      await bench.file(pointer('b.c', null)),
      await bench.blob(encodeLayout()),
    ];
    bench.store.forget([a.oid, bc.oid, layout]);
    expect(await check(tree, alive(pointer('a')))).to.have.deep.members([
      mismatch({ path: 'layout.json', object: layout }),
      mismatch({ key: 'a', object: a.oid }),
      mismatch({ key: 'b.c', object: bc.oid }),
    ]);
    expect(await check(tree, alive(pointer('a')), false)).to.deep.equal([]);
  });

  it('has another layout, or none', async () => {
    const tree = await bench.index([pointer('a')]);
    const other = await bench.blob('{"v":2}');
    const changed = await bench.tree({ [LAYOUT]: { oid: other } }, tree);
    expect(await check(changed, alive(pointer('a')))).to.deep.equal([
      { code: 'FORMAT_UNSUPPORTED', subject: { object: other } },
      SHAPE,
    ]);
    expect(await check(changed, alive(pointer('a')), false)).to.deep.equal([SHAPE]);
    const bare = await bench.tree({ [LAYOUT]: null }, tree);
    expect(await check(bare, alive(pointer('a')))).to.deep.equal([SHAPE]);
  });

  it('has files that have no place there', async () => {
    const tree = await bench.index([pointer('a')]);
    for (const path of ['README', 'kv/x.ref', `${INDEX}/README`, `${INDEX}/a_/layout.json`, `${INDEX}/a_/__/README`]) {
      const told = await check(await bench.tree({ [path]: 'x' }, tree), alive(pointer('a')));
      expect(told, path).to.deep.equal([misplaced(path), SHAPE]);
    }
    const device = await bench.tree({ [`${INDEX}/b_/__/b.ref`]: { ...(await bench.file(pointer('b'))), mode: '120000' } }, tree);
    expect(await check(device, alive(pointer('a')))).to.deep.equal([misplaced(`${INDEX}/b_/__/b.ref`), SHAPE]);
  });

  it('has pointers in other places than their own, each a fault of the shape', async () => {
    const tree = await bench.index([pointer('a')]);
    const b = pointer('bcde');
    for (const path of ['bcde.ref', 'bc/bcde.ref', 'bc/dx/bcde.ref', 'xc/de/bcde.ref', 'bc/de/fg/bcde.ref']) {
      const told = await check(await bench.placed(tree, { [path]: b }), alive(pointer('a'), b));
      expect(told, path).to.deep.equal([SHAPE]);
    }
    const twice = await bench.placed(tree, { 'bc/de/bcde.ref': b, 'bc/de/fg/bcde.ref': b });
    expect(await check(twice, alive(pointer('a'), b))).to.deep.equal([SHAPE]);
  });

  it('can’t be read in part, and the rest is looked at', async () => {
    const tree = await bench.index([pointer('a'), pointer('bcde')]);
    const [lost] = await bench.store.readPaths(tree, [`${INDEX}/bc/de`]);
    bench.store.forget([lost?.oid ?? '']);
    const told = await check(tree, alive(pointer('a'), pointer('bcde')));
    expect(told).to.deep.equal([{ code: 'GIT_ERROR', subject: { object: lost?.oid } }, mismatch({ key: 'bcde' }), SHAPE]);
  });
});

describe('a walk through an index that a stranger made', () => {
  let bench: IndexBench;
  beforeEach(() => {
    bench = new IndexBench();
  });

  async function walk(tree: Oid, rules = bench.rules): Promise<{ found: string[]; told: Told[]; inShape: boolean }> {
    const one = new IndexWalk(rules, tree);
    const found: string[] = [];
    for await (const { pointers } of one.parts()) for (const { urlsafe } of pointers) found.push(urlsafe);
    return { found: found.sort(), told: bench.told(), inShape: one.inShape };
  }

  it('passes over directories that have no place, and tells each', async () => {
    const tree = await bench.index([pointer('a')]);
    const empty = await bench.entries([]);
    const inner = await bench.tree({ 'x.ref': 'x' });
    const one = await bench.tree({ 'bcde.ref': 'x' });
    const cases: [string, Oid, string?][] = [
      ['other', inner],
      ['kv/other', inner],
      ['kv/main/data', inner],
      [`${INDEX}/abc`, inner],
      [`${INDEX}/a_/__/b`, inner],
      [`${INDEX}/bc`, empty],
    ];
    for (const [path, oid] of cases) {
      const { found, told, inShape } = await walk(await bench.tree({ [path]: { mode: '40000', oid } }, tree));
      expect({ found, told, inShape }, path).to.deep.equal({ found: ['a'], told: [misplaced(path)], inShape: false });
    }
    const repeated = await bench.tree(
      { [`${INDEX}/bc/de`]: { mode: '40000', oid: one }, [`${INDEX}/bc/df`]: { mode: '40000', oid: one } },
      tree,
    );
    expect(await walk(repeated)).to.deep.equal({ found: ['a', 'bcde'], told: [misplaced(`${INDEX}/bc/df`)], inShape: false });
  });

  it('finds no fault in directories that hold the same further apart', async () => {
    // Their subtrees can only be the same where none of them may be: each pointer's name is in one place alone.
    const one = await bench.tree({ 'bcde.ref': 'x' });
    const tree = await bench.tree({ [`${INDEX}/bc/de`]: { mode: '40000', oid: one } }, await bench.index([pointer('bc')]));
    expect((await walk(tree)).told).to.deep.equal([]);
  });

  it('looks at so many entries, and at no names that are too long', async () => {
    bench = new IndexBench({ treeEntries: 3 });
    const tree = await bench.index([pointer('abcd0'), pointer('abcd1'), pointer('abcd2')]);
    expect(await walk(tree)).to.deep.include({ told: [], inShape: true });
    const more = await bench.index([pointer('abcd3')], tree);
    const { found, told, inShape } = await walk(more);
    expect({ found, told, inShape }).to.deep.equal({
      found: ['abcd0', 'abcd1', 'abcd2'],
      told: [misplaced(`${INDEX}/ab/cd/`)],
      inShape: false,
    });
    const name = `${'x'.repeat(MAX_NAME - 4)}.ref`;
    const long = await bench.tree(
      { [`${INDEX}/xx/xx/${name}`]: 'x', [`${INDEX}/xx/xx/a${name}`]: 'x' },
      await bench.index([pointer('a')]),
    );
    expect(await walk(long)).to.deep.equal({
      found: ['a'],
      told: [misplaced(`${INDEX}/xx/xx/a${'x'.repeat(59)}`)],
      inShape: false,
    });
    const longest = await bench.tree({ [`${INDEX}/xx/xx/${name}`]: 'x' }, await bench.index([pointer('a')]));
    expect(await walk(longest)).to.deep.include({ found: ['a', name.slice(0, -4)], told: [] });
  });

  it('finds entries out of order, and the same one twice', async () => {
    const tree = await bench.index([pointer('abcd')]);
    const oid = (await bench.file(pointer('abcd'))).oid;
    const put = async (...names: string[]): Promise<Oid> => {
      const leaf = await bench.entries(names.map((name) => ({ mode: '100644', name, oid })));
      return bench.tree(
        { [`${INDEX}/ab/cd`]: { mode: '40000', oid: leaf } },
        await bench.placed(tree, { 'ab/cd/abcd.ref': null }),
      );
    };
    expect((await walk(await put('abcd.ref', 'abcdz.ref'))).inShape).to.equal(true);
    expect((await walk(await put('abcdz.ref', 'abcd.ref'))).inShape).to.equal(false);
    expect((await walk(await put('abcd.ref', 'abcd.ref'))).inShape).to.equal(false);
    const root = await bench.entries([]);
    expect((await walk(root)).inShape).to.equal(false);
  });

  it('ends where there is more that has no place than anybody looks at', async () => {
    const misplacedBy = async (count: number) => {
      const files = Object.fromEntries(Array.from({ length: count }, (_, i) => [`zz/zz/k${i}.ref`, pointer('x')]));
      return bench.placed(await bench.index([pointer('a')]), files);
    };
    const enough = await misplacedBy(1000);
    expect((await walk(enough)).told).to.deep.equal([]);
    const tree = await misplacedBy(1001);
    expect((await walk(tree)).told).to.deep.equal([mismatch({ object: tree })]);
    // Directories count as files do, and what waits then is not looked at.
    const dirs = Object.fromEntries(
      await Promise.all(
        Array.from({ length: 1001 }, async (_, i) => {
          const oid = await bench.tree({ [`x${i}.ref`]: 'x' });
          return [`${INDEX}/a_/d${String(i).padStart(4, '0')}`, { mode: '40000', oid }] as const;
        }),
      ),
    );
    const many = await bench.tree(dirs, await bench.index([pointer('a')]));
    const { found, told } = await walk(many);
    expect(told.length).to.equal(1002);
    expect(told.at(-1)).to.deep.equal(mismatch({ object: many }));
    expect(found).to.deep.equal([]);
  });

  it('lets others have their turn between directories', async () => {
    let turns = 0;
    bench = new IndexBench({ pause: async () => void turns++ });
    await walk(await bench.index([pointer('abcd')]));
    expect(turns).to.equal(6);
  });

  it('knows which directories must be split', async () => {
    const full = numbered(SPLIT_ABOVE).map((key) => pointer(key));
    const [flat, split] = [await bench.index(full), await bench.index([...full, pointer('abcdzz')])];
    expect((await walk(flat)).inShape).to.equal(true);
    expect((await walk(split)).inShape).to.equal(true);
    expect((await walk(await bench.placed(flat, { 'ab/cd/abcdzz.ref': pointer('abcdzz') }))).inShape).to.equal(false);
    expect((await walk(await bench.placed(split, { 'ab/cd/zz/abcdzz.ref': null }))).inShape).to.equal(false);
    // Too short for another pair, it stays; with another pair it must not.
    const short = await bench.placed(split, { 'ab/cd/abcd9.ref': pointer('abcd9'), 'ab/cd/abcd.ref': pointer('abcd') });
    expect((await walk(short)).inShape).to.equal(true);
    expect((await walk(await bench.placed(split, { 'ab/cd/abcd99.ref': pointer('abcd99') }))).inShape).to.equal(false);
    // What must be split further down.
    const below = numbered(SPLIT_ABOVE + 1, 'abcd00').map((key) => pointer(key));
    expect((await walk(await bench.index(below))).inShape).to.equal(true);
    const flatBelow = Object.fromEntries(below.map((one) => [`ab/cd/00/${one.key}.ref`, one]));
    expect((await walk(await bench.placed(await bench.index([pointer('a')]), flatBelow))).inShape).to.equal(false);
  });
});

describe('the pointers that live keys must have', () => {
  it('are known by the key, its mode and its file', async () => {
    const bench = new IndexBench();
    const live = new LivePointers(bench.namer);
    const [plain, marked] = [pointer('b.c'), pointer('m', 1, EXPIRES)];
    expect(live.allMet).to.equal(true);
    live.add('b.c', plain);
    live.add('m', marked);
    live.add('unknown', null);
    expect([live.allMet, live.met('b.c'), live.met('nobody')]).to.deep.equal([false, false, false]);
    expect(live.meet('b.c', await bench.file(plain))).to.equal(null); // what is not urlsafe is no name of a file
    expect(live.meet('b%2Ec', await bench.file(plain))).to.equal(true);
    expect(live.meet('b%2Ec', await bench.file(plain, '100755'))).to.equal(false);
    expect(live.meet('b%2Ec', await bench.file(pointer('b.c', 2)))).to.equal(false);
    expect(live.met('b.c')).to.equal(true);
    expect(live.met('m')).to.equal(false);
    expect(live.meet('m', await bench.file(marked, '100644'))).to.equal(false);
    expect(live.meet('m', await bench.file(marked))).to.equal(true);
    expect(live.allMet).to.equal(false);
    for (const mode of ['100644', '100755']) expect(live.meet('unknown', { mode, oid: 'f'.repeat(40) })).to.equal(true);
    expect(live.allMet).to.equal(true);
  });
});
