import { expect } from 'chai';
import { GitMemoryStore } from '../../../../adapters/git-memory/open.js';
import { utf8 } from '../../../../domain/git/bytes.js';
import type { ObjectNamer } from '../../../../domain/git/object.js';
import { MODE_DIR, MODE_FILE, readTree } from '../../../../domain/git/tree/tree.js';
import { seal, TreeDraft } from '../../../../domain/git/tree/tree-draft.js';
import { checkLayout, encodeLayout, SPLIT_ABOVE } from '../../../../domain/index/layout.js';
import { listPointers } from '../../../../domain/index/list.js';
import { lookUp } from '../../../../domain/index/look-up.js';
import { updateIndex } from '../../../../domain/index/update.js';
import { KvError } from '../../../../ports/error.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { memory } from '../../../support/memory/memory.js';

/** Puts keys (already urlsafe) with a value that all share; gives the new root and the objects of the step. */
async function put(
  store: GitMemoryStore,
  namer: ObjectNamer,
  base: Oid | null,
  keys: readonly string[],
  value = 'v',
): Promise<{ root: Oid; written: NewObject[] }> {
  const blob = namer.object('blob', utf8(value));
  const written: NewObject[] = [blob];
  const pointers = new Map(keys.map((key) => [key, { mode: MODE_FILE, oid: blob.oid }]));
  const root = await updateIndex(store, namer, 'main', base, pointers, written);
  await store.write(written);
  return { root, written };
}

async function list(store: GitMemoryStore, root: Oid, prefix = '', after?: string): Promise<string[]> {
  const found: string[] = [];
  const range = { prefix, ...(after === undefined ? {} : { after }) };
  for await (const { urlsafe } of listPointers(store, 'main', root, range, 20)) found.push(urlsafe);
  return found;
}

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return KvError.is(error) ? error.code : String(error);
  }
  return 'none';
}

/** A root whose index has this layout file, or none. */
async function withLayout(store: GitMemoryStore, namer: ObjectNamer, layout: Uint8Array | null): Promise<Oid> {
  const out: NewObject[] = [];
  const [root, kv, ns, index] = [new TreeDraft(null), new TreeDraft(null), new TreeDraft(null), new TreeDraft(null)];
  root.dirs.set('kv', kv);
  kv.dirs.set('main', ns);
  ns.dirs.set('index', index);
  const blob = namer.object('blob', layout ?? utf8('x'));
  out.push(blob);
  index.put(layout === null ? 'other' : 'layout.json', MODE_FILE, blob.oid);
  const oid = seal(root, namer, out) as Oid;
  await store.write(out);
  return oid;
}

describe('prefix index: edges', () => {
  it('refuses a layout that it does not know, and an index without one', async () => {
    const { store, namer } = memory();
    checkLayout(encodeLayout(), 'main');
    const other = utf8(new TextDecoder().decode(encodeLayout()).replace('256', '512'));
    for (const bytes of [other, new Uint8Array(0), Uint8Array.of(0xff)]) {
      expect(await codeOf(() => checkLayout(bytes, 'main'))).to.equal('FORMAT_UNSUPPORTED');
    }
    for (const layout of [other, null]) {
      const root = await withLayout(store, namer, layout);
      expect(await codeOf(() => list(store, root))).to.equal('FORMAT_UNSUPPORTED');
    }
    expect(await list(store, await withLayout(store, namer, encodeLayout()))).to.deep.equal([]);
  });

  it('lists nothing of a namespace that has no index', async () => {
    const { store, namer } = memory();
    const { root } = await put(store, namer, null, ['k']);
    const found: unknown[] = [];
    for await (const pointer of listPointers(store, 'elsewhere', root, { prefix: '' }, 20)) found.push(pointer);
    expect(found).to.deep.equal([]);
    expect(await lookUp(store, 'elsewhere', root, 'k')).to.equal(undefined);
    expect(await lookUp(store, 'main', namer.object('blob', utf8('v')).oid, 'k'), 'a blob for a tree').to.equal(undefined);
    expect(await lookUp(store, 'main', 'f'.repeat(40), 'k'), 'a tree that is missing').to.equal(undefined);
  });

  it('writes the layout with the first pointer, and never again', async () => {
    const { store, namer } = memory();
    const layout = namer.object('blob', encodeLayout());
    const first = await put(store, namer, null, ['a']);
    expect(first.written.filter(({ oid }) => oid === layout.oid).map(({ type }) => type)).to.deep.equal(['blob']);
    const second = await put(store, namer, first.root, ['b']);
    expect(second.written.map(({ oid }) => oid)).to.not.include(layout.oid);
    const [tree] = await store.readPaths(second.root, ['kv/main/index']);
    expect(readTree(tree?.body ?? new Uint8Array(), 20).map(({ name }) => name)).to.deep.equal(['a_', 'b_', 'layout.json']);
  });

  it('does not split a full directory whose pointers change, and keeps the new value of one that moves down', async () => {
    const { store, namer } = memory();
    const full = Array.from({ length: SPLIT_ABOVE }, (_, number) => `user${String(number).padStart(4, '0')}`);
    const { root } = await put(store, namer, null, full);
    const names = async (at: Oid): Promise<string[]> => {
      const [tree] = await store.readPaths(at, ['kv/main/index/us/er']);
      return readTree(tree?.body ?? new Uint8Array(), 20)
        .filter(({ mode }) => mode === MODE_DIR)
        .map(({ name }) => name);
    };
    const rewritten = await put(store, namer, root, [full[7] as string], 'new');
    expect(await names(rewritten.root)).to.deep.equal([]);
    const over = await put(store, namer, root, [full[7] as string, 'user9999'], 'new');
    expect(await names(over.root)).to.deep.equal(['00', '01', '02', '99']);
    const wanted = namer.oid('blob', utf8('new'));
    expect((await lookUp(store, 'main', over.root, full[7] as string))?.oid).to.equal(wanted);
    expect((await lookUp(store, 'main', over.root, full[8] as string))?.oid).to.equal(namer.oid('blob', utf8('v')));
    const shrunk = await put(store, namer, over.root, ['user9998'], 'new');
    expect(await names(shrunk.root), 'what is split stays split').to.deep.equal(['00', '01', '02', '99']);
  });

  it('opens only the directories that can hold a key of the range', async () => {
    const { store, namer } = memory();
    const keys = ['a', 'aa', 'aab', 'aabb', 'aacc', 'abaa', 'b', 'baaa', 'bbaa', 'c_aa', 'ca'];
    const { root } = await put(store, namer, null, keys);
    const opened = async (prefix: string, after?: string): Promise<number> => {
      let count = 0;
      const counting = new GitMemoryStore('sha1');
      counting.read = async (oids) => {
        count += oids.length;
        return store.read(oids);
      };
      counting.readPaths = (from, paths) => store.readPaths(from, paths);
      const range = { prefix, ...(after === undefined ? {} : { after }) };
      const found: string[] = [];
      for await (const { urlsafe } of listPointers(counting, 'main', root, range, 20)) found.push(urlsafe);
      const wanted = keys.filter((key) => key.startsWith(prefix) && (after === undefined || key > after)).sort();
      expect(found, `${prefix} ${after}`).to.deep.equal(wanted);
      return count;
    };
    // Two directories a level, since one whose name is padded may hold what the prefix begins with.
    expect(await opened('aabb')).to.equal(6);
    expect(await opened('bbaa')).to.equal(4);
    expect(await opened('', 'c_aa')).to.be.lessThan(await opened(''));
    expect(await opened('a', 'aacc')).to.equal(9);
    expect(await opened('aabb', 'aabb')).to.equal(6);
    expect(await opened('zz')).to.equal(0);
  });

  it('says so when a tree of the index is missing', async () => {
    const { store, namer } = memory();
    const { root } = await put(store, namer, null, ['aabb']);
    const lacking = new GitMemoryStore('sha1');
    lacking.readPaths = (from, paths) => store.readPaths(from, paths);
    const error = await codeOf(async () => {
      for await (const _ of listPointers(lacking, 'main', root, { prefix: '' }, 20)) expect.fail('nothing can be listed');
    });
    expect(error).to.equal('GIT_ERROR');
  });
});
