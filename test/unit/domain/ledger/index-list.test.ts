import { expect } from 'chai';
import { encodeLayout, SPLIT_ABOVE } from '../../../../domain/index/layout.js';
import { listPointers } from '../../../../domain/index/list.js';
import { lookUp } from '../../../../domain/index/look-up.js';
import { DEEPEST, indexShape } from '../../../../domain/index/shape.js';
import { updateIndex } from '../../../../domain/index/update.js';
import { MAX_NAME, type TreeShape } from '../../../../domain/git/tree/tree-shape.js';
import type { GitStore } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { failure } from '../../../support/failure.js';
import { RuleBench } from '../../../support/formats/rules.js';

const PLACES = 'kv/main/index';
const FILE = '100644';

describe('an index that is listed', () => {
  let bench: RuleBench;
  let blob: Oid;
  beforeEach(async () => {
    bench = new RuleBench();
    blob = await bench.blob('v');
  });

  /** An index of these keys, urlsafe; modes other than the plain one by key. */
  const index = async (
    keys: readonly string[],
    base: Oid | null = null,
    modes: Readonly<Record<string, string>> = {},
  ): Promise<Oid> => {
    const out: Parameters<typeof updateIndex>[5] = [];
    const files = new Map(keys.map((key) => [key, { mode: modes[key] ?? FILE, oid: blob }]));
    const root = await updateIndex(bench.store, bench.namer, 'main', base, files, out);
    await bench.store.write(out);
    return root;
  };
  const list = async (root: Oid, prefix = '', after?: string, store: GitStore = bench.store): Promise<string[]> => {
    const found: string[] = [];
    const range = { prefix, ...(after === undefined ? {} : { after }) };
    for await (const one of listPointers(store, 'main', root, range, 20)) found.push(one.urlsafe);
    return found;
  };
  const numbered = (count: number, start: string): string[] =>
    Array.from({ length: count }, (_, i) => `${start}${String(i).padStart(3, '0')}`);

  it('comes in the order of its keys, whatever their lengths and however deep they lie', async () => {
    const keys = [
      ...[
        'a',
        'a-',
        'a-b',
        'a-bc',
        'a_',
        'a__',
        'aa',
        'aab',
        'aabb',
        'aabbc',
        'ab',
        'abc',
        'b',
        'B',
        '%41',
        '-',
        '_',
        '__',
        '___',
        '____',
      ],
      ...[...numbered(SPLIT_ABOVE + 20, 'user'), 'user', 'user0', 'user00', 'userz', 'user-1', 'usez', 'us', 'u', 'use'],
      ...numbered(SPLIT_ABOVE + 5, 'user01'),
    ];
    const root = await index([...keys].reverse());
    const sorted = [...keys].sort();
    expect(await list(root)).to.deep.equal(sorted);
    for (const prefix of [
      'a',
      'a_',
      'aa',
      'aabb',
      'aabbc',
      'us',
      'use',
      'user',
      'user0',
      'user01',
      'user010',
      '_',
      '__',
      '____',
      'x',
      'b',
    ]) {
      const wanted = sorted.filter((key) => key.startsWith(prefix));
      expect(await list(root, prefix), prefix).to.deep.equal(wanted);
      for (const after of [
        '',
        'a',
        'a_',
        'aab',
        'aabb',
        'u',
        'user',
        'user0',
        'user015',
        'user0150',
        'user999',
        'user01',
        '__',
        'zz',
      ])
        expect(await list(root, prefix, after), `${prefix} ${after}`).to.deep.equal(wanted.filter((key) => key > after));
    }
  });

  it('has a prefix at the beginning of a key, and not further on', async () => {
    const root = await index(['user:1', 'userXuser:1', 'useruser:', 'user', 'Xuser:1']);
    expect(await list(root, 'user:')).to.deep.equal(['user:1']);
  });

  it('says modes and objects, and is read some directories at a time', async () => {
    const keys = numbered(200, 'ab').map((key) => `${key}zz`);
    const root = await index([...keys, 'a', 'abcd'], null, { abcd: '100755' });
    const { rules, read } = bench.noted();
    expect(await list(root, '', undefined, rules.store)).to.deep.equal([...keys, 'a', 'abcd'].sort());
    expect(read.some((oids) => oids.length > 64 * 2)).to.equal(false);
    for await (const { urlsafe, mode, oid } of listPointers(bench.store, 'main', root, { prefix: 'a' }, 20))
      expect([mode, oid]).to.deep.equal([urlsafe === 'abcd' ? '100755' : FILE, blob]);
  });

  it('is none where anything has no place in it', async () => {
    const root = await index(['abcd', 'a', 'efgh']);
    const inner = { mode: '40000', oid: await bench.tree({ 'x.ref': 'x' }) };
    const empty = { mode: '40000', oid: bench.namer.emptyTree() };
    await bench.store.write([bench.namer.object('tree', new Uint8Array(0))]);
    const file = { mode: FILE, oid: blob };
    const cases: Record<string, { mode: string; oid: Oid }> = {
      'a.ref': file,
      README: file,
      'ab/layout.json': file,
      'ab/abcd.ref': file,
      'ab/cd/README': file,
      'ab/cd/abxx.ref': file,
      'ab/cd/xxcd.ref': file,
      'ab/cd/a.ref': file,
      'a_/__/ab.ref': file,
      'ab/cd/abc.ref': file,
      abc: inner,
      'ab/c.': inner,
      'ab/cd/e': inner,
      'ab/zz': empty,
      'ab/cd/ef': empty,
      zz: empty,
      [`ab/cd/abcd${'x'.repeat(MAX_NAME)}.ref`]: file,
    };
    for (const [path, at] of Object.entries(cases)) {
      const wrong = await bench.tree({ [`${PLACES}/${path}`]: at }, root);
      const error = await failure(list(wrong), 'ATTESTATION_MISMATCH');
      expect(error.message, path).to.contain(JSON.stringify(path.slice(path.lastIndexOf('/') + 1).slice(0, 60)));
      expect(error.details?.['object'], path).to.be.a('string');
    }
    const longest = `abcd${'x'.repeat(MAX_NAME - 8)}`;
    expect(await list(await index([longest], root))).to.deep.equal(['a', 'abcd', longest, 'efgh']);
  });

  it('is none where entries are out of order, stand there twice, or a directory stands in two places', async () => {
    const root = await index(['abcd', 'efgh']);
    const entry = (name: string) => ({ mode: FILE, name, oid: blob });
    const leaf = async (...names: string[]): Promise<Oid> => {
      const tree = { mode: '40000', oid: await bench.entries(names.map(entry)) };
      return bench.tree({ [`${PLACES}/ab/cd`]: tree }, await bench.tree({ [`${PLACES}/ab/cd/abcd.ref`]: null }, root));
    };
    expect(await list(await leaf('abcd.ref', 'abcde.ref'))).to.deep.equal(['abcd', 'abcde', 'efgh']);
    for (const names of [
      ['abcde.ref', 'abcd.ref'],
      ['abcd.ref', 'abcd.ref'],
    ])
      await failure(list(await leaf(...names)), 'ATTESTATION_MISMATCH');
    const one = { mode: '40000', oid: await bench.tree({ 'abcd.ref': { oid: blob } }) };
    const bare = await index(['efgh']);
    const twice = await bench.tree({ [`${PLACES}/ab/cd`]: one, [`${PLACES}/ab/ce`]: one }, bare);
    expect((await failure(list(twice), 'ATTESTATION_MISMATCH')).message).to.contain('such as "abce"');
  });

  it('can’t be listed while a directory is missing, or its layout is another', async () => {
    const root = await index(['abcd', 'efgh']);
    const layout = await bench.tree(
      { [`${PLACES}/layout.json`]: new TextDecoder().decode(encodeLayout()).replace('256', '512') },
      root,
    );
    const error = await failure(list(layout), 'FORMAT_UNSUPPORTED');
    expect(error.message).to.match(/"split_above":512}$/);
    const long = await bench.tree({ [`${PLACES}/layout.json`]: 'x'.repeat(200) }, root);
    expect((await failure(list(long), 'FORMAT_UNSUPPORTED')).message).to.match(/: x{80}$/);
    const binary = await bench.tree({ [`${PLACES}/layout.json`]: Uint8Array.of(0xff) }, root);
    expect((await failure(list(binary), 'FORMAT_UNSUPPORTED')).message).to.match(/: \?$/);
    expect(await list(await bench.tree({ README: 'x' }))).to.deep.equal([]);
    const [lost] = await bench.store.readPaths(root, [`${PLACES}/ab/cd`]);
    bench.store.forget([lost?.oid ?? '']);
    await failure(list(root), 'GIT_ERROR');
    expect(await list(root, 'ef')).to.deep.equal(['efgh']);
  });

  it('is looked up in where a key is short, and where its directory is split', async () => {
    const root = await index([...numbered(SPLIT_ABOVE + 1, 'user'), 'a', 'user', 'user0']);
    const found = async (key: string): Promise<string | undefined> => (await lookUp(bench.store, 'main', root, key))?.mode;
    for (const key of ['a', 'user', 'user0', 'user000', 'user256']) expect(await found(key), key).to.equal(FILE);
    for (const key of ['b', 'user257', 'userx', 'user00', 'us']) expect(await found(key), key).to.equal(undefined);
    // A file that is named like a directory leads nowhere.
    const file = await bench.tree({ [`${PLACES}/zz`]: { oid: blob } }, root);
    expect(await lookUp(bench.store, 'main', file, 'zzzz')).to.equal(undefined);
  });

  it('tells which of the changed keys had a pointer that a listing must open', async () => {
    const { store, namer } = bench;
    const keys = numbered(SPLIT_ABOVE, 'abcd');
    const base = await index([...keys, 'a', 'b'], null, { a: '100755', abcd003: '100755', abcd004: '100755' });
    const change = async (from: Oid | null, changed: readonly string[]): Promise<string[]> => {
      const marked = new Set<string>();
      const files = new Map(changed.map((key) => [key, { mode: FILE, oid: blob }]));
      await updateIndex(store, namer, 'main', from, files, [], marked);
      return [...marked].sort();
    };
    expect(await change(base, ['a', 'b', 'abcd003', 'abcd005', 'new'])).to.deep.equal(['a', 'abcd003']);
    expect(await change(base, ['abcd004', 'abcdnew1', 'abcdnew2'])).to.deep.equal(['abcd004']);
    expect(await change(base, ['b'])).to.deep.equal([]);
    expect(await change(null, ['a'])).to.deep.equal([]);
    const split = await index(['abcdnew1'], base, {});
    expect(await change(split, ['abcd003', 'abcd006'])).to.deep.equal(['abcd003']);
  });

  it('is split by the number of different keys, and not of changes', async () => {
    const full = numbered(SPLIT_ABOVE, 'abcd');
    const root = await index(full);
    const dirs = async (at: Oid): Promise<number> => {
      const [tree] = await bench.store.readPaths(at, [`${PLACES}/ab/cd`]);
      return (
        Buffer.from(tree?.body ?? [])
          .toString('latin1')
          .split('40000 ').length - 1
      );
    };
    expect(await dirs(root)).to.equal(0);
    expect(await dirs(await index(full.slice(0, 100), root))).to.equal(0);
    const over = await index(['abcdzzz'], root);
    expect(await dirs(over)).to.equal(27);
    expect(await list(over)).to.deep.equal([...full, 'abcdzzz']);
    // A key that is too short for another pair stays when its directory is split.
    const short = await index(['abcd', 'abcdz'], await index(['abcd', 'abcdz'], root));
    expect(await dirs(short)).to.equal(26);
    expect(await list(short)).to.deep.equal(['abcd', ...full, 'abcdz']);
    expect(await dirs(await index(full.slice(0, -1)))).to.equal(0);
    expect(await dirs(await index([...full, 'abcdzzz']))).to.equal(27);
  });

  it('has directories of pairs, as deep as the longest key is long', () => {
    const below = (shape: TreeShape | null, ...names: string[]): TreeShape | null =>
      names.reduce<TreeShape | null>((at, name) => at?.below(name) ?? null, shape);
    const root = below(indexShape('main'), 'kv', 'main', 'index');
    for (const name of ['ab', 'A0', '__', '%-', ':z']) expect(below(root, name), name).to.not.equal(null);
    for (const name of ['a', 'abc', 'a.', 'a/', '', '~a', 'aé']) expect(below(root, name), name).to.equal(null);
    const deepest = below(root, ...Array.from({ length: DEEPEST }, () => 'ab'));
    expect(deepest).to.not.equal(null);
    expect(below(deepest, 'ab')).to.equal(null);
    expect(below(indexShape('main'), 'kv', 'other')).to.equal(null);
  });
});
