import { expect } from 'chai';
import { SPLIT_ABOVE } from '../../../../domain/index/layout.js';
import { type PointerFile, updateIndex } from '../../../../domain/index/update.js';
import { MODE_EXEC, MODE_FILE } from '../../../../domain/git/tree/tree.js';
import { PathEdits, seal } from '../../../../domain/git/tree/tree-draft.js';
import { IndexWalk } from '../../../../domain/verify/index/index-walk.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { FORMATS, memory } from '../../../support/memory/memory.js';

type Space = ReturnType<typeof memory>;

async function build({ store, namer }: Space, keys: readonly string[]): Promise<Oid> {
  const out: NewObject[] = [];
  const files = keys.map((key, i): [string, PointerFile] => [
    key,
    { mode: i % 5 === 0 ? MODE_EXEC : MODE_FILE, oid: namer.oid('blob', Uint8Array.of(i & 255)) },
  ]);
  const root = await updateIndex(store, namer, 'main', null, new Map(files), out);
  await store.write(out);
  return root;
}

/** Puts files at paths below `kv/main/index/`, or takes them away. */
async function edit(
  { store, namer, oidBytes }: Space,
  root: Oid,
  files: Readonly<Record<string, PointerFile | null>>,
): Promise<Oid> {
  const edits = new PathEdits();
  for (const [path, file] of Object.entries(files)) {
    const dirs = (
      path.startsWith('../../')
        ? `kv/${path.slice(6)}`
        : path.startsWith('../')
          ? `kv/main/${path.slice(3)}`
          : `kv/main/index/${path}`
    ).split('/');
    edits.put(dirs, dirs.pop() as string, { mode: file?.mode ?? MODE_FILE, oid: file?.oid ?? null, previous: null });
  }
  const out: NewObject[] = [];
  const tree = seal(await edits.load(store, root, oidBytes), namer, out) as Oid;
  await store.write(out);
  return tree;
}

/** What a walk finds, and whether building from it gives the same tree. */
async function look(
  { store, namer }: Space,
  tree: Oid,
): Promise<{ pointers: Map<string, PointerFile>; inShape: boolean; same: boolean }> {
  const walk = new IndexWalk({ store, namer, ns: 'main', emit: () => undefined }, tree);
  const pointers = new Map<string, PointerFile>();
  for await (const part of walk.parts()) for (const { urlsafe, mode, oid } of part.pointers) pointers.set(urlsafe, { mode, oid });
  const rebuilt = await updateIndex(store, namer, 'main', null, pointers, []);
  return { pointers, inShape: walk.inShape, same: rebuilt === tree };
}

const numbered = (count: number, start = 'user:'): string[] =>
  Array.from({ length: count }, (_, i) => `${start}${String(i).padStart(4, '0')}`);

for (const format of FORMATS) {
  describe(`a walk through an index (${format})`, () => {
    it('finds every pointer, and the shape right that the pointers give', async () => {
      for (const count of [1, 2, SPLIT_ABOVE, SPLIT_ABOVE + 1, 3000]) {
        const space = memory(format);
        const keys = [...numbered(count), 'u', 'us', 'use', 'user', 'user:', 'user:0', 'user:00', '%41', '__'];
        const { pointers, inShape, same } = await look(space, await build(space, keys));
        expect([...pointers.keys()].sort()).to.deep.equal([...keys].sort());
        expect({ inShape, same }).to.deep.equal({ inShape: true, same: true });
      }
    });

    const file: PointerFile = { mode: MODE_FILE, oid: '1'.repeat(format === 'sha1' ? 40 : 64) };
    const spoilt: Readonly<Record<string, Readonly<Record<string, PointerFile | null>>>> = {
      'a pointer below other pairs than its own': { 'xx/xx/user:zz.ref': file },
      'a pointer that is not handed down': { 'us/er/user:zz.ref': file },
      'a pointer that is handed down without need': { 'fe/w_/a/few.ref': file },
      'a directory that is split without need': { 'ab/cd/ef/abcdef.ref': file },
      'a pointer above the fixed levels': { 'us/user:zz.ref': file, 'user:zz.ref': file },
      'a pointer that is twice there': { 'us/er/:0/00/00/user:0000.ref': file },
      'a file that is no pointer': { 'us/er/:0/README': file },
      'a pointer of another mode': { 'ab/cd/abcd.ref': { ...file, mode: '120000' } },
      'another layout': { 'layout.json': file },
      'a layout of another mode': { 'layout.json': { ...file, mode: MODE_EXEC } },
      'no layout': { 'layout.json': null },
      'another layout further down': { 'us/layout.json': file },
      'something beside the index': { '../other/x.ref': file },
      'something beside the namespace': { '../../other/index/ab/cd/abcd.ref': file },
    };
    for (const [name, files] of Object.entries(spoilt)) {
      it(`sees ${name}`, async () => {
        const space = memory(format);
        const root = await build(space, [...numbered(600), 'few', 'user:']);
        const tree = await edit(space, root, files);
        const { inShape, same } = await look(space, tree);
        expect({ inShape, same }).to.deep.equal({ inShape: false, same: false });
      });
    }

    it('sees a directory that must be split and is not, and one that must no longer be', async () => {
      const space = memory(format);
      const crowded = Object.fromEntries(numbered(SPLIT_ABOVE + 1, 'abcd').map((key) => [`ab/cd/${key}.ref`, file]));
      const flat = await edit(space, await build(space, ['few']), crowded);
      const many = numbered(SPLIT_ABOVE + 1, 'abcd');
      const { pointers } = await look(space, await build(space, many));
      const thinned = await edit(space, await build(space, many), { 'ab/cd/02/abcd0200.ref': null });
      expect(pointers.size).to.equal(many.length);
      for (const tree of [flat, thinned]) {
        const { inShape, same } = await look(space, tree);
        expect(inShape).to.equal(same);
        expect(inShape).to.equal(false);
      }
    });
  });
}
