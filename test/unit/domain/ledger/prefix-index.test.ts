import { expect } from 'chai';
import fc from 'fast-check';
import type { GitMemoryStore } from '../../../../adapters/git-memory/open.js';
import { utf8 } from '../../../../domain/git/bytes.js';
import { SPLIT_ABOVE } from '../../../../domain/index/layout.js';
import { toUrlsafe } from '../../../../domain/ledger/value/key.js';
import type { ObjectNamer } from '../../../../domain/git/object.js';
import { type PointerFile, updateIndex } from '../../../../domain/index/update.js';
import { listPointers } from '../../../../domain/index/list.js';
import { lookUp } from '../../../../domain/index/look-up.js';
import { MODE_FILE } from '../../../../domain/git/tree/tree.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { FORMATS, memory } from '../../../support/memory/memory.js';

async function put(store: GitMemoryStore, namer: ObjectNamer, base: Oid | null, keys: readonly string[]): Promise<Oid> {
  const out: NewObject[] = [];
  const pointers = new Map<string, PointerFile>();
  for (const key of keys) {
    const blob = namer.object('blob', utf8(key));
    out.push(blob);
    pointers.set(toUrlsafe(key), { mode: MODE_FILE, oid: blob.oid });
  }
  const root = await updateIndex(store, namer, 'main', base, pointers, out);
  await store.write(out);
  return root;
}

async function list(store: GitMemoryStore, root: Oid, oidBytes: number, prefix = '', after?: string): Promise<string[]> {
  const found: string[] = [];
  const range = { prefix, ...(after === undefined ? {} : { after }) };
  for await (const pointer of listPointers(store, 'main', root, range, oidBytes)) found.push(pointer.urlsafe);
  return found;
}

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const LETTERS = fc.constantFrom('a', 'b', '_', '-', ':', '.');
/** Few letters, so that prefixes collide, the characters that padding and encoding could confuse, and one crowded directory. */
const keys = fc.array(
  fc.oneof(
    fc.string({ unit: LETTERS, minLength: 1, maxLength: 9 }),
    fc.string({ unit: LETTERS, maxLength: 8, minLength: 3 }).map((rest) => `aaaa${rest}`),
  ),
  { minLength: 1, maxLength: 900, size: 'max' },
);

describe('prefix index', () => {
  for (const format of FORMATS) {
    it(`is a pure function of the set of pointers, whatever the order and the batches (${format})`, async () => {
      await fc.assert(
        fc.asyncProperty(keys, fc.array(fc.nat(900), { maxLength: 4 }), async (list, cuts) => {
          const { store, namer } = memory(format);
          const whole = await put(store, namer, null, list);
          let root: Oid | null = null;
          const shuffled = [...list].reverse();
          let from = 0;
          for (const to of [...cuts.sort((a, b) => a - b), shuffled.length]) {
            root = await put(store, namer, root, shuffled.slice(from, to));
            from = Math.max(from, to);
          }
          expect(root).to.equal(whole);
        }),
        { numRuns: 60 },
      );
    });
  }

  it('splits a directory above the threshold, not at it, and leaves short keys where they are', async () => {
    const { store, namer } = memory();
    const many = Array.from({ length: SPLIT_ABOVE }, (_, i) => `user:${String(i).padStart(4, '0')}`);
    const at = await put(store, namer, null, many);
    const over = await put(store, namer, at, ['user']);
    const names = async (root: Oid): Promise<string[]> => {
      const [tree] = await store.readPaths(root, ['kv/main/index/us/er']);
      return (await import('../../../../domain/git/tree/tree.js'))
        .readTree(tree?.body ?? new Uint8Array(), 20)
        .map(({ name }) => name);
    };
    expect(await names(at)).to.have.length(SPLIT_ABOVE);
    expect(await names(over)).to.deep.equal([':0', 'user.ref']);
  });

  it('lists every key once, sorted, for any prefix and any place to go on from', async () => {
    await fc.assert(
      fc.asyncProperty(keys, fc.string({ unit: LETTERS, maxLength: 5 }), fc.nat(5000), async (set, prefix, pick) => {
        const { store, namer, oidBytes } = memory();
        const root = await put(store, namer, null, set);
        const sorted = [...new Set(set.map(toUrlsafe))].sort(byBytes);
        const wanted = sorted.filter((key) => key.startsWith(toUrlsafe(prefix)));
        expect(await list(store, root, oidBytes, toUrlsafe(prefix))).to.deep.equal(wanted);
        const after = sorted[pick % sorted.length] as string;
        expect(await list(store, root, oidBytes, toUrlsafe(prefix), after)).to.deep.equal(wanted.filter((key) => key > after));
      }),
      { numRuns: 100 },
    );
  });

  it('finds each pointer by itself, and none that is not there', async () => {
    const { store, namer } = memory();
    const many = Array.from({ length: 700 }, (_, i) => `cfg:${i % 7}:${i}`);
    const root = await put(store, namer, null, many);
    for (const key of many)
      expect((await lookUp(store, 'main', root, toUrlsafe(key)))?.oid).to.equal(namer.oid('blob', utf8(key)));
    for (const key of ['cfg', 'cfg:', 'cfg:0:x', 'zz'])
      expect(await lookUp(store, 'main', root, toUrlsafe(key))).to.equal(undefined);
  });

  it('reads only what a prefix needs', async () => {
    const { store, namer, oidBytes } = memory();
    const root = await put(
      store,
      namer,
      null,
      Array.from({ length: 5000 }, (_, i) => `k${String(i).padStart(5, '0')}:x`),
    );
    let read = 0;
    const counting = new Proxy(store, {
      get: (target, name) => {
        if (name === 'read') {
          return (oids: readonly Oid[]) => {
            read += oids.length;
            return target.read(oids);
          };
        }
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const found: string[] = [];
    for await (const pointer of listPointers(counting, 'main', root, { prefix: 'k0012' }, oidBytes)) found.push(pointer.urlsafe);
    expect(found).to.have.length(10);
    expect(read).to.be.lessThan(8);
  });
});
