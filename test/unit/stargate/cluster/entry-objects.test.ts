import { expect } from 'chai';
import { nodeHasher } from '../../../../adapters/hasher-node/open.js';
import { collectPack, SmallPacks } from '../../../../apps/stargate/cluster/objects/small-packs.js';
import { FEW, fewObjects } from '../../../../domain/repo/serve/few-objects.js';
import { ObjectNamer } from '../../../../domain/git/object.js';
import { concat, utf8 } from '../../../../domain/git/bytes.js';
import type { GitStore, NewObject } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { refusal } from '../../../support/failure.js';
import { memory } from '../../../support/memory/memory.js';
import { commitOf, NAMER, packOf, treeOf } from '../../../support/formats/packs.js';

const blob = (text: string): NewObject => NAMER.object('blob', utf8(text));
const file = (name: string, { oid }: NewObject) => ({ mode: '100644', name, oid });
const folder = (name: string, { oid }: NewObject) => ({ mode: '40000', name, oid });

/** Two commits, one above the other: the second changes one of two folders. */
function history() {
  const [one, two, three] = ['one', 'two', 'three'].map(blob) as [NewObject, NewObject, NewObject];
  const same = treeOf([file('same', one)]);
  const [old, next] = [treeOf([file('x', two)]), treeOf([file('w', one), file('x', three)])];
  const [before, after] = [old, next].map((each) => treeOf([folder('a', each), folder('b', same)])) as [NewObject, NewObject];
  const first = commitOf(before.oid);
  const second = commitOf(after.oid, [first.oid]);
  return { base: [one, two, same, old, before, first], more: [three, next, after, second], first, second, three, one };
}

const packed = (objects: readonly NewObject[]): Uint8Array => packOf(objects.map(({ type, body }) => ({ type, body })));
const ids = (objects: readonly { readonly oid: Oid }[]): Oid[] => objects.map(({ oid }) => oid).sort();

async function storeOf(objects: readonly NewObject[]): Promise<GitStore> {
  const { store } = memory();
  await store.write(objects);
  return store;
}

const packsOf = (store: GitStore): SmallPacks => new SmallPacks(store, new ObjectNamer(nodeHasher(), 'sha1'));

describe('what an entry brings', () => {
  it('is what its commits reach and the one before does not, asked for a level at a time', async () => {
    const { base, more, first, second, one } = history();
    const store = await storeOf([...base, ...more]);
    let asked = 0;
    const reader = {
      read(oids: readonly Oid[]) {
        asked++;
        return store.read(oids);
      },
    };
    const found = await fewObjects(reader, 'sha1', [second.oid], [first.oid]);
    expect(ids(found ?? [])).to.deep.equal(ids([...more, one])); // it stands elsewhere before: nobody has looked for it there
    expect(asked).to.equal(5); // the commit, its parent, two levels of trees, the blobs
    expect(ids((await fewObjects(store, 'sha1', [second.oid], [])) ?? [])).to.deep.equal(ids([...base, ...more]));
    expect(await fewObjects(store, 'sha1', [second.oid], [second.oid])).to.deep.equal([]);
  });

  it('is no little where it is many objects, bytes or commits, or where only git can tell', async () => {
    const { base, more, first, second } = history();
    const tag = NAMER.object('tag', utf8(`object ${first.oid}\ntype commit\ntag v1\n\n`));
    const store = await storeOf([...base, ...more, tag]);
    const of = (few: Partial<typeof FEW>) => fewObjects(store, 'sha1', [second.oid], [], { ...FEW, ...few });
    expect(await of({ objects: 9 })).to.equal(null);
    expect(await of({ objects: 10 })).to.have.length(10);
    expect(await of({ bytes: 100 })).to.equal(null);
    expect(await of({ depth: 1 })).to.equal(null);
    expect(await fewObjects(store, 'sha1', [tag.oid], [])).to.equal(null);
    expect((await refusal(fewObjects(store, 'sha1', ['1'.repeat(40)], []))).code).to.equal('GIT_ERROR');
  });

  it('comes as a pack that another server reads, also before the first has it on its disk', async () => {
    const { base, more, first, second } = history();
    const [one, two] = [packsOf(await storeOf(base)), packsOf(await storeOf(base))];
    one.keep(more);
    const pieces = await one.make([second.oid], [first.oid]);
    const objects = await two.read(concat(pieces ?? []));
    expect(ids(objects ?? [])).to.include.members(ids(more));
  });

  it('is refused where anything of it is not what git takes', async () => {
    const { base, more, three, second, first } = history();
    const here = await storeOf(base);
    const refused = async (pack: Uint8Array): Promise<string> => {
      const { code, message } = await refusal(packsOf(here).read(pack));
      expect(code).to.equal('GIT_ERROR');
      return message;
    };
    const whole = packed(more);
    expect(await packsOf(here).read(whole)).to.have.length(more.length);
    const bent = Uint8Array.from(whole, (byte, at) => (at === 40 ? byte ^ 1 : byte));
    expect(await refused(bent)).to.match(/checksum/);
    expect(await refused(whole.subarray(0, whole.length - 30))).to.match(/checksum/);
    expect(await refused(packed(more.filter(({ oid }) => oid !== three.oid)))).to.include(three.oid);
    expect(await refused(packed([commitOf('2'.repeat(40), [first.oid])]))).to.include('2'.repeat(40));
    expect(await refused(packed([commitOf(three.oid, [second.oid]), ...more]))).to.include(three.oid); // a blob for a tree
    const evil = treeOf([file('.git', three)]);
    expect(await refused(packed([...more, evil, commitOf(evil.oid)]))).to.match(/hasDotgit/);
    const two = await storeOf([]);
    expect((await refusal(packsOf(two).read(whole))).message).to.include('not here');
  });

  it('is left to git where its stream is long, or holds more than memory is given for', async () => {
    async function* given(...pieces: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
      yield* pieces;
    }
    const all = async (stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
      const pieces: Uint8Array[] = [];
      for await (const piece of stream) pieces.push(piece);
      return concat(pieces);
    };
    const whole = packed(history().more);
    const collected = await collectPack(given(whole.subarray(0, 20), whole.subarray(20)));
    expect('pack' in collected && concat([collected.pack])).to.deep.equal(whole);
    const long = await collectPack(given(whole, whole), whole.length);
    expect('stream' in long && (await all(long.stream))).to.deep.equal(concat([whole, whole]));
    const other = await collectPack(given(utf8('other bytes')));
    expect('stream' in other && (await all(other.stream))).to.deep.equal(concat([utf8('other bytes')]));
    const bomb = packed(Array.from({ length: 9 * 8 }, (_, at) => NAMER.object('blob', new Uint8Array(128 * 1024).fill(at))));
    expect(await packsOf(await storeOf([])).read(bomb)).to.equal(null);
  });
});
