import { expect } from 'chai';
import fc from 'fast-check';
import { readTree } from '../../../../domain/git/tree/tree.js';
import { diffTrees, type TreeChange } from '../../../../domain/git/tree/tree-diff.js';
import { diffInParts } from '../../../../domain/git/tree/tree-parts.js';
import { PathEdits, seal } from '../../../../domain/git/tree/tree-draft.js';
import type { TreeShape, TreeWalk } from '../../../../domain/git/tree/tree-shape.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { utf8 } from '../../../../domain/git/bytes.js';
import { FORMATS, memory } from '../../../support/memory/memory.js';

type Files = Record<string, string>;

async function apply(space: ReturnType<typeof memory>, base: Oid | null, before: Files, after: Files): Promise<Oid | null> {
  const { store, namer, oidBytes } = space;
  const out: NewObject[] = [];
  const edits = new PathEdits();
  const previous: [string, { previous: Oid | null }][] = [];
  for (const path of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const dirs = path.split('/');
    const name = dirs.pop() as string;
    const content = after[path];
    const blob = content === undefined ? null : namer.object('blob', utf8(content));
    if (blob !== null) out.push(blob);
    const edit = { mode: '100644', oid: blob?.oid ?? null, previous: null };
    edits.put(dirs, name, edit);
    previous.push([path, edit]);
  }
  const draft = await edits.load(store, base, oidBytes);
  for (const [path, edit] of previous) {
    expect(edit.previous).to.equal(before[path] === undefined ? null : namer.oid('blob', utf8(before[path])));
  }
  const root = seal(draft, namer, out);
  await store.write(out);
  return root;
}

const name = fc.constantFrom('a', 'a-', 'a.b', 'ab', 'b', 'c0', '_');
const files = fc.dictionary(
  fc.tuple(name, name, name).map((parts) => `d${parts[0]}/e${parts[1]}/${parts[2]}`),
  fc.string({ maxLength: 3 }),
  { maxKeys: 12 },
);

/** No two directories of a ledger hold the same, and none of these do. */
const distinct = (found: Files): Files =>
  Object.fromEntries(Object.entries(found).map(([path, content]) => [path, `${path}: ${content}`]));

const ANY: TreeShape = { below: () => ANY };
const WALK: TreeWalk = {
  shape: ANY,
  entries: 1000,
  tell: ({ path, what }) => {
    throw new Error(`${path}: ${what}`);
  },
};

describe('trees', () => {
  for (const format of FORMATS) {
    it(`editing gives the tree that building from nothing gives, and the diff gives the edit (${format})`, async () => {
      await fc.assert(
        fc.asyncProperty(files.map(distinct), files.map(distinct), async (before, after) => {
          const space = memory(format);
          const base = await apply(space, null, {}, before);
          const edited = await apply(space, base, before, after);
          expect(edited).to.equal(await apply(space, null, {}, after));
          const changed: Files = {};
          for await (const { path, after: side } of diffTrees(space.store, base, edited, space.oidBytes, WALK))
            changed[path] = side?.oid ?? '-';
          const expected: Files = {};
          for (const path of new Set([...Object.keys(before), ...Object.keys(after)])) {
            if (before[path] === after[path]) continue;
            expected[path] = after[path] === undefined ? '-' : space.namer.oid('blob', utf8(after[path]));
          }
          expect(changed).to.deep.equal(expected);
        }),
        { numRuns: 200 },
      );
    });
  }

  it('a large difference comes in parts, each with all that lies in directories of one name', async () => {
    const space = memory();
    const [before, after]: [Files, Files] = [{}, { root: 'r', 'data/odd': 'o' }];
    for (let i = 0; i < 900; i++) {
      const [first, second] = [`${i % 30}`, `${(i * 7) % 31}`];
      for (const side of ['data', 'meta']) after[`${side}/${first}/${second}/${i}`] = `${side}${i}`;
      if (i % 9 === 0) before[`data/${first}/${second}/${i}`] = i % 2 === 0 ? `data${i}` : 'other';
    }
    before['meta/gone/away/x'] = 'x';
    const [base, edited] = [await apply(space, null, {}, before), await apply(space, null, {}, after)];
    const whole: string[] = [];
    for await (const change of diffTrees(space.store, base, edited, space.oidBytes, WALK)) whole.push(JSON.stringify(change));
    const parting = { depth: 2, group: (path: string) => path.slice(path.lastIndexOf('/') + 1) };
    const parts: TreeChange[][] = [];
    for await (const part of diffInParts(space.store, base, edited, space.oidBytes, parting, WALK)) parts.push(part);
    expect(parts.length).to.be.greaterThan(3);
    expect(Math.max(...parts.map(({ length }) => length))).to.be.lessThan(whole.length / 3);
    expect(parts.flatMap((part) => part.map((change) => JSON.stringify(change))).sort()).to.deep.equal(whole.sort());
    const shard = ({ path }: TreeChange): string => path.split('/').slice(1, 3).join('/');
    const shards = parts.slice(1).map((part) => new Set(part.map(shard)));
    expect(shards.reduce((sum, { size }) => sum + size, 0)).to.equal(new Set(shards.flatMap((each) => [...each])).size);
  });

  it('refuses a tree that ends in the middle of an entry', () => {
    expect(() => readTree(utf8('100644 a\0short'), 20)).to.throw('malformed tree');
  });
});
