import { expect } from 'chai';
import { behind, overlay } from '../../../../../domain/gateway/sequence/overlay.js';
import { WarmTrees } from '../../../../../domain/gateway/sequence/warm-trees.js';
import type { GitObject, Oid } from '../../../../../ports/vocabulary.js';
import { memory } from '../../../../support/memory/memory.js';

const { store, namer } = memory();
const tree = (name: string): GitObject =>
  namer.object('tree', Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.alloc(20, 1)]));

describe('trees that are kept warm', () => {
  let asked: Oid[][];
  let trees: WarmTrees;
  const reader = {
    read: (oids: readonly Oid[]) => {
      asked.push([...oids]);
      return store.read(oids);
    },
  };
  beforeEach(() => {
    asked = [];
    trees = new WarmTrees(reader, () => 1000);
  });

  it('are read once; what is no tree, or is not there, each time', async () => {
    const [one, blob] = [tree('one'), namer.object('blob', Buffer.from('x'))];
    await store.write([one, blob]);
    const none = namer.oid('blob', Buffer.from('none'));
    for (let i = 0; i < 2; i++)
      expect((await trees.read([none, one.oid, blob.oid])).map((object) => object?.oid)).to.deep.equal([
        undefined,
        one.oid,
        blob.oid,
      ]);
    expect(asked).to.deep.equal([
      [none, one.oid, blob.oid],
      [none, blob.oid],
    ]);
    await trees.read([one.oid]);
    expect(asked).to.have.length(2);
  });

  it('are seen before they are written, whatever they are, and only trees are kept once they were', async () => {
    const [one, commit] = [tree('new'), namer.object('blob', Buffer.from('not written'))];
    trees.add([one, commit]);
    expect((await trees.read([commit.oid, one.oid])).map((object) => object?.oid)).to.deep.equal([commit.oid, one.oid]);
    trees.written();
    expect((await trees.read([one.oid, commit.oid])).map((object) => object?.oid)).to.deep.equal([one.oid, undefined]);
    expect(asked).to.deep.equal([[commit.oid]]);
  });

  it('are forgotten that will not be written', async () => {
    const one = tree('lost');
    trees.add([one]);
    trees.forget();
    expect(await trees.read([one.oid])).to.deep.equal([null]);
  });

  it('weigh no more than they may', async () => {
    const all = Array.from({ length: 40 }, (_, i) => tree(`heavy-${10 + i}`)); // of 36 bytes each
    await store.write(all);
    for (const { oid } of all) await trees.read([oid]);
    asked = [];
    for (const { oid } of [...all].reverse()) await trees.read([oid]);
    expect(asked.length).to.be.within(13, 30);
  });
});

describe('a store with objects before it', () => {
  it('is the store itself where there are none', () => {
    expect(overlay(store, new Map())).to.equal(store);
  });

  it('gives what is at hand, and asks for the rest alone, in order', async () => {
    const asked: Oid[][] = [];
    const rest = async (oids: readonly Oid[]) => {
      asked.push([...oids]);
      return oids.map((oid) => (oid === 'none' ? null : oid.toUpperCase()));
    };
    const at = (oid: Oid) => (oid.startsWith('h') ? oid : undefined);
    expect(await behind(['a', 'h1', 'none', 'b', 'h2'], at, rest)).to.deep.equal(['A', 'h1', null, 'B', 'h2']);
    expect(await behind(['h1', 'h2'], at, rest)).to.deep.equal(['h1', 'h2']);
    expect(asked).to.deep.equal([['a', 'none', 'b']]);
  });

  it('knows the headers of both', async () => {
    const [here, before] = [namer.object('blob', Buffer.from('here')), namer.object('blob', Buffer.from('before it'))];
    await store.write([here]);
    const both = overlay(store, new Map([[before.oid, before]]));
    expect(await both.headers([here.oid, before.oid])).to.deep.equal([
      { oid: here.oid, type: 'blob', size: 4 },
      { oid: before.oid, type: 'blob', size: 9 },
    ]);
    expect((await both.read([before.oid, here.oid])).map((object) => object?.body.length)).to.deep.equal([9, 4]);
  });
});
