import { expect } from 'chai';
import { encodeLayout, SPLIT_ABOVE } from '../../../../../domain/index/layout.js';
import type { Pointer } from '../../../../../domain/ledger/value/pointer.js';
import { checkIndexBlobs, missingFile } from '../../../../../domain/verify/index/index-blobs.js';
import { checkIndexStep, disagrees } from '../../../../../domain/verify/index/index-step.js';
import { checkPresentPointers } from '../../../../../domain/verify/index/present-pointers.js';
import type { Oid } from '../../../../../ports/vocabulary.js';
import type { Told } from '../../../../support/formats/rules.js';
import { INDEX, IndexBench, LAYOUT, numbered, pointer } from './index-bench.js';

const EXPIRES = '2026-01-02T03:04:05.678Z';
const mismatch = (subject: Told['subject']): Told => ({ code: 'ATTESTATION_MISMATCH', subject });
const atKey = (key: string): Told => mismatch({ key });
const atPath = (path: string): Told => mismatch({ path });

describe('the step from one index to the next', () => {
  let bench: IndexBench;
  beforeEach(() => {
    bench = new IndexBench();
  });

  const step = async (
    before: Oid | null,
    after: Oid,
    pointers: Readonly<Record<string, Pointer | null>>,
    recompute = false,
  ): Promise<Told[]> => {
    await checkIndexStep(bench.rules, { before, after, pointers: new Map(Object.entries(pointers)) }, recompute);
    return bench.told();
  };

  it('is sound when exactly the changed keys’ pointers are put in, compared or recomputed', async () => {
    const [a, b, c] = [pointer('a'), pointer('b.c'), pointer('cfg:c', 2, EXPIRES)];
    const first = await bench.index([a, b]);
    const next = await bench.index([pointer('a', 7), pointer('b.c', null), c], first);
    const changed = { a: pointer('a', 7), 'b.c': pointer('b.c', null), 'cfg:c': c };
    for (const recompute of [true, false]) {
      expect(await step(null, first, { a, 'b.c': b }, recompute)).to.deep.equal([]);
      expect(await step(first, next, changed, recompute)).to.deep.equal([]);
      // Set again to what they were: the index did not change.
      expect(await step(first, first, { a, 'b.c': b }, recompute)).to.deep.equal([]);
      expect(await step(first, next, { ...changed, a: null }, recompute)).to.deep.equal([]);
    }
  });

  it('gives the files of the pointers that are known', async () => {
    const first = await bench.index([pointer('a')]);
    const pointers = new Map<string, Pointer | null>([
      ['a', pointer('a')],
      ['b.c', pointer('b.c', 2, EXPIRES)],
      ['c', null],
    ]);
    const files = await checkIndexStep(bench.rules, { before: first, after: first, pointers }, true);
    expect([...files]).to.deep.equal([
      ['a', await bench.file(pointer('a'))],
      ['b%2Ec', await bench.file(pointer('b.c', 2, EXPIRES))],
    ]);
  });

  it('finds a changed key whose pointer is not the one', async () => {
    const first = await bench.index([pointer('a'), pointer('abcd')]);
    const wrong: Readonly<Record<string, Oid>> = {
      'left as it was': first,
      'of another size': await bench.index([pointer('abcd', 3)], first),
      gone: await bench.placed(first, { 'ab/cd/abcd.ref': null }),
      'of another mode': await bench.tree({ [`${INDEX}/ab/cd/abcd.ref`]: await bench.file(pointer('abcd', 2), '100755') }, first),
    };
    for (const [how, after] of Object.entries(wrong)) {
      expect(await step(first, after, { abcd: pointer('abcd', 2) }), how).to.deep.equal([atKey('abcd')]);
      expect(await step(first, after, { abcd: pointer('abcd', 2) }, true), how).to.deep.equal([mismatch({}), atKey('abcd')]);
    }
    expect(await step(first, first, { new: pointer('new') })).to.deep.equal([atKey('new')]);
    // Whose pointer is not known may have any.
    for (const after of Object.values(wrong)) expect(await step(first, after, { abcd: null })).to.deep.equal([]);
    // One that was taken away is not looked up where it lies a second time.
    const moved = await bench.placed(first, { 'ab/cd/abcd.ref': null, 'ab/cd/ef/abcd.ref': pointer('abcd') });
    expect(await step(first, moved, { abcd: pointer('abcd') })).to.deep.include(atKey('abcd'));
  });

  it('finds other pointers that are not what they were', async () => {
    const first = await bench.index([pointer('a'), pointer('abcd'), pointer('b.c')]);
    const a = pointer('a', 2);
    const good = await bench.index([a], first);
    const put = async (one: Pointer, mode?: string): Promise<Oid> =>
      bench.tree({ [`${INDEX}/ab/cd/abcd.ref`]: await bench.file(one, mode) }, good);
    expect(await step(first, await put(pointer('abcd', 2)), { a })).to.deep.equal([atKey('abcd')]);
    expect(await step(first, await put(pointer('abcd'), '100755'), { a })).to.deep.equal([atKey('abcd')]);
    expect(await step(first, await bench.placed(good, { 'ab/cd/abcd.ref': null }), { a })).to.deep.equal([atKey('abcd')]);
    expect(await step(first, await bench.index([pointer('b.d')], good), { a })).to.deep.equal([atKey('b.d')]);
    expect(await step(first, await bench.placed(good, { 'b%/2E/b%2Ec.ref': null }), { a })).to.deep.equal([atKey('b.c')]);
  });

  it('finds a pointer that lies in two places, on either side', async () => {
    const twice = { 'ab/cd/abcdef.ref': pointer('abcdef'), 'ab/cd/ef/abcdef.ref': pointer('abcdef') };
    const [none, one] = [await bench.index([pointer('a')]), await bench.index([pointer('a'), pointer('abcdef')])];
    const both = await bench.placed(none, twice);
    expect(await step(none, both, { abcdef: pointer('abcdef') })).to.deep.include(atKey('abcdef'));
    expect(await step(both, none, { abcdef: null })).to.deep.include(atKey('abcdef'));
    // Handed from one place to another, it is the same pointer.
    const below = await bench.placed(none, { 'ab/cd/ef/abcdef.ref': pointer('abcdef') });
    for (const [from, to] of [
      [one, below],
      [below, one],
    ] as const)
      expect((await step(from, to, {})).filter(({ subject }) => subject.key !== undefined)).to.deep.equal([]);
    const changed = await bench.placed(none, { 'ab/cd/ef/abcdef.ref': pointer('abcdef', 2) });
    expect(await step(one, changed, {})).to.deep.include(atKey('abcdef'));
    const sameOid = await bench.file(pointer('abcdef'), '100755');
    const remade = await bench.tree({ [`${INDEX}/ab/cd/ef/abcdef.ref`]: sameOid }, none);
    expect(await step(one, remade, {})).to.deep.include(atKey('abcdef'));
  });

  it('finds files that are no pointers and no layout, or lie where none may', async () => {
    const first = await bench.index([pointer('abcd')]);
    const file = await bench.file(pointer('abcd'));
    const places = ['README', 'kv/x.ref', 'kv/main/x.ref', `${INDEX}/abcd.ref`, `${INDEX}/ab/abcd.ref`];
    for (const path of [
      ...places,
      `${INDEX}/ab/cd/README`,
      `${INDEX}/ab/ce/abcd.ref`,
      `${INDEX}/ac/cd/abcd.ref`,
      `${INDEX}/ab/cd/x.ref`,
    ])
      expect(await step(first, await bench.tree({ [path]: file }, first), {}), path).to.deep.include(atPath(path));
    for (const path of ['kv/other/index/ab/cd/abcd.ref', 'kv/main/other/ab/cd/abcd.ref', 'vk/main/index/ab/cd/abcd.ref'])
      expect(
        (await step(first, await bench.tree({ [path]: file }, first), {})).map(({ code }) => code),
        path,
      ).to.deep.equal(['ATTESTATION_MISMATCH']);
  });

  it('takes the layout with the first pointer, as it is written, and never again', async () => {
    const a = pointer('a');
    const [first, layout] = [await bench.index([a]), await bench.blob(encodeLayout())];
    const bare = await bench.tree({ [LAYOUT]: null }, first);
    const unknown = { a: null }; // so that the index is compared, and not recomputed
    expect(await step(null, first, unknown)).to.deep.equal([]);
    expect(await step(null, bare, { a }, true)).to.deep.equal([mismatch({})]);
    const wrong = { 'another one': 'x', executable: { mode: '100755', oid: layout } };
    for (const [how, file] of Object.entries(wrong)) {
      const after = await bench.tree({ [LAYOUT]: file }, first);
      expect(await step(null, after, unknown), how).to.deep.equal([atPath(LAYOUT)]);
      expect(await step(first, after, {}), how).to.deep.equal([atPath(LAYOUT)]);
    }
    expect(await step(first, bare, {})).to.deep.equal([atPath(LAYOUT)]);
    expect(await step(bare, first, {})).to.deep.equal([atPath(LAYOUT)]);
    const elsewhere = await bench.tree({ [`${INDEX}/a_/layout.json`]: { oid: layout } }, first);
    expect(await step(null, elsewhere, unknown)).to.deep.equal([atPath(`${INDEX}/a_/layout.json`)]);
  });

  it('is told for a tree that can’t be read, and for one that was recomputed and is not there', async () => {
    const first = await bench.index([pointer('a')]);
    const next = await bench.index([pointer('abcd')], first);
    const [subtree] = await bench.store.readPaths(next, [`${INDEX}/ab/cd`]);
    bench.store.forget([subtree?.oid ?? '']);
    expect(await step(first, next, { abcd: pointer('abcd') }, true)).to.deep.equal([mismatch({ object: subtree?.oid ?? '' })]);
    const lost = await bench.index([pointer('a'), pointer('b')]);
    bench.store.forget([lost]);
    const told = await step(lost, next, { abcd: pointer('abcd') }, true);
    expect(told).to.deep.equal([{ code: 'GIT_ERROR', subject: {} }]);
  });

  it('wants a directory split exactly when it has too many pointers', async () => {
    const full = numbered(SPLIT_ABOVE);
    const one = pointer('abcd9999');
    const [before, bare] = [await bench.index(full.map((key) => pointer(key))), await bench.index([pointer('a')])];
    const split = await bench.index([one], before);
    expect(await step(before, split, { abcd9999: one })).to.deep.equal([]);
    const crowded = await bench.placed(before, { 'ab/cd/abcd9999.ref': one });
    expect(await step(before, crowded, { abcd9999: one })).to.deep.equal([atPath(`${INDEX}/ab/cd`)]);
    // Split by nobody's need.
    const early = await bench.placed(bare, { 'ab/cd/99/abcd9999.ref': one });
    expect(await step(bare, early, { abcd9999: one })).to.deep.equal([atPath(`${INDEX}/ab/cd`)]);
    // One stays that must be handed down.
    const kept = await bench.placed(split, { 'ab/cd/abcd99.ref': pointer('abcd99') });
    expect(await step(split, kept, { abcd99: pointer('abcd99') })).to.deep.equal([atPath(`${INDEX}/ab/cd`)]);
    // Those that are too short for another pair stay, and count.
    const short = await bench.index([pointer('abcd'), pointer('abcd9')], split);
    expect(await step(split, short, { abcd: pointer('abcd'), abcd9: pointer('abcd9') })).to.deep.equal([]);
  });

  it('counts what lies further down when a directory is split', async () => {
    // 200 below one pair and 57 below others: two levels of new directories, which together are enough.
    const many = [...numbered(200, 'abcd00'), ...numbered(57, 'abcd')].map((key) => pointer(key));
    const all = Object.fromEntries(many.map((one) => [one.key, one]));
    const bare = await bench.index([pointer('a')]);
    expect(await step(bare, await bench.index(many, bare), all)).to.deep.equal([]);
    const deep = [...numbered(SPLIT_ABOVE + 1, 'abcd00')].map((key) => pointer(key));
    const after = await bench.index(deep, bare);
    expect(await step(bare, after, Object.fromEntries(deep.map((one) => [one.key, one])))).to.deep.equal([]);
    // Exactly as many as a directory may have are too few for a split, wherever they lie.
    const few = deep.slice(0, SPLIT_ABOVE);
    const places = Object.fromEntries(few.map((one) => [`ab/cd/00/${one.key}.ref`, one]));
    const told = await step(bare, await bench.placed(bare, places), Object.fromEntries(few.map((one) => [one.key, one])));
    expect(told).to.deep.equal([atPath(`${INDEX}/ab/cd`)]);
  });
});

describe('the files of an index', () => {
  it('are told when they are not there, by the key where it is a pointer', async () => {
    const bench = new IndexBench();
    const first = await bench.index([pointer('a')]);
    const next = await bench.index([pointer('abcd'), pointer('b.c')], first);
    const missing = await bench.file(pointer('b.c'));
    const layout = await bench.blob(encodeLayout());
    const old = await bench.file(pointer('a'));
    bench.store.forget([missing.oid, layout, old.oid]);
    await checkIndexBlobs(bench.rules, first, next);
    expect(bench.told()).to.deep.equal([mismatch({ key: 'b.c', object: missing.oid })]);
    await checkIndexBlobs(bench.rules, null, next);
    expect(bench.told()).to.deep.equal([
      mismatch({ path: 'layout.json', object: layout }),
      mismatch({ key: 'a', object: old.oid }),
      mismatch({ key: 'b.c', object: missing.oid }),
    ]);
    await checkIndexBlobs(bench.rules, next, first);
    expect(bench.told()).to.deep.equal([]);
    expect(missingFile('main', 'a%.ref', 'oid').subject).to.deep.equal({ key: 'a%', object: 'oid' });
  });

  it('that changed must be blobs', async () => {
    const bench = new IndexBench();
    const [there, gone] = [await bench.file(pointer('a')), await bench.file(pointer('b.c'))];
    bench.store.forget([gone.oid]);
    const tree = { mode: '100644', oid: await bench.tree({ x: 'y' }) };
    const files = new Map(Object.entries({ a: there, 'b%2Ec': gone, t: tree }));
    await checkPresentPointers(bench.rules, files);
    expect(bench.told()).to.deep.equal([mismatch({ key: 'b.c', object: gone.oid }), mismatch({ key: 't', object: tree.oid })]);
    await checkPresentPointers(bench.rules, new Map([['a', there]]));
    expect(bench.told()).to.deep.equal([]);
  });

  it('are asked for some at a time, and all of them', async () => {
    const bench = new IndexBench();
    const there = await bench.file(pointer('a'));
    const { rules, headers } = bench.noted();
    const files = new Map(
      Array.from({ length: 8193 }, (_, i) => [`k${i}`, i === 8192 ? { ...there, oid: 'f'.repeat(40) } : there]),
    );
    await checkPresentPointers(rules, files);
    expect(headers.map((oids) => oids.length)).to.deep.equal([4096, 4096, 1]);
    expect(bench.told()).to.deep.equal([mismatch({ key: 'k8192', object: 'f'.repeat(40) })]);
  });

  it('disagree in words that say where, and why if it is known', () => {
    expect(disagrees('main', 'k').message).to.match(/main .*"k"$/);
    expect(disagrees('main', 'k', 'because').message).to.match(/"k": because$/);
  });
});
