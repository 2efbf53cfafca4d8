import { expect } from 'chai';
import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { nodeZlib } from '../../apps/node-zlib.js';
import { concat, utf8 } from '../../domain/git/bytes.js';
import { editDelta } from '../../domain/git/pack/delta.js';
import { KeptPacks } from '../../domain/repo/serve/kept-packs.js';
import { receivePack } from '../../domain/repo/serve/push/receive-pack.js';
import { uploadPack } from '../../domain/repo/serve/fetch/upload-pack.js';
import { encodePkt, FLUSH_PKT } from '../../ports/grammar/git-words/pkt-line.js';
import type { NewObject } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import { commitOf, type Entry, NAMER, packOf, pushOf, treeOf } from '../support/formats/packs.js';
import { Sandbox } from '../support/worlds/sandbox.js';
import { testRepository } from './support.js';

const MAIN = 'refs/heads/main';
const blob = (text: string): NewObject => NAMER.object('blob', utf8(text));
const file = (name: string, { oid }: NewObject) => ({ mode: '100644', name, oid });

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function server(most = 1024 * 1024) {
  const { repo: repository, store } = testRepository();
  const packs = new KeptPacks(most);
  const limits = { maxObjects: 1000, maxRefs: 10 };
  const parts = { store, hasher: nodeHasher(), zlib: nodeZlib, agent: 'test/1', repository, limits, packs };
  const push = async (bytes: Uint8Array): Promise<string> => Buffer.from(await receivePack(parts, whole(bytes))).toString();
  /** The pack that a clone of this commit gets, whose receiver knows distances or not. */
  const clone = async (want: Oid, distances = true): Promise<Buffer> => {
    const asked = [`want ${want}${distances ? ' ofs-delta' : ''}\n`, null, 'done\n'];
    const pieces: Uint8Array[] = [];
    const request = concat(asked.map((line) => (line === null ? FLUSH_PKT : encodePkt(line))));
    for await (const piece of uploadPack(parts, 0, request)) pieces.push(piece);
    return Buffer.from(concat(pieces)).subarray('0008NAK\n'.length);
  };
  return { push, clone, packs, repository };
}

describe('the pack of a first push', () => {
  const text = Array.from({ length: 40 }, (_, i) => `line ${i} of much the same\n`).join('');
  const readme = blob(text);
  const changed = blob(`${text}!`);
  const delta = (from: NewObject, to: NewObject): Uint8Array => editDelta(from.body, to.body) ?? utf8('');
  const [tree, next] = [treeOf([file('a', readme)]), treeOf([file('a', changed)])];
  const first = commitOf(tree.oid);
  const second = commitOf(next.oid, [first.oid]);
  const entries: readonly Entry[] = [second, first, next, tree, changed, { base: 4, delta: delta(changed, readme) }];
  const push = (from: readonly Entry[], ...more: readonly (readonly [string, null, Oid])[]) =>
    pushOf([[MAIN, null, second.oid], ...more], packOf(from));

  it('is what its first clone gets, and what later ones go on from', async () => {
    const { push: send, clone, packs } = server();
    expect(await send(push(entries))).to.include(`ok ${MAIN}`);
    expect(packs.bytes).to.be.greaterThan(100);
    expect((await clone(second.oid)).equals(packOf(entries)), 'byte for byte').to.equal(true);
    const third = commitOf(tree.oid, [second.oid]);
    await send(pushOf([[MAIN, second.oid, third.oid]], packOf([third])));
    const pack = await clone(third.oid);
    expect(
      pack.subarray(12, packOf(entries).length - 20).equals(packOf(entries).subarray(12, -20)),
      'what is new is behind it',
    ).to.equal(true);
    const sandbox = new Sandbox();
    try {
      const folder = sandbox.bare('clone.git');
      sandbox.run('git', ['-C', folder, 'index-pack', '--strict', '--stdin'], pack);
      sandbox.git(folder, 'update-ref', MAIN, third.oid);
      sandbox.git(folder, 'fsck', '--strict', '--full');
    } finally {
      sandbox.remove();
    }
  });

  it('is not for a receiver that knows no distances, nor for one that asks for less', async () => {
    const { push: send, clone } = server();
    await send(push(entries));
    expect((await clone(second.oid, false)).equals(packOf(entries))).to.equal(false);
    expect((await clone(first.oid)).readUInt32BE(8), 'a commit, a tree and a file').to.equal(3);
  });

  it('is put together anew where it has what no ref leads to, or what not every git reads as it is', async () => {
    const stray = blob('nobody names it');
    const empty = blob('');
    const none = treeOf([file('a', readme), file('b', empty)]);
    const third = commitOf(none.oid);
    const nothing = { base: 1, delta: Uint8Array.of(0x80 | (readme.body.length & 127), readme.body.length >> 7, 0) };
    const long = Array.from({ length: 60 }, (_, i) => blob(`${text}${'x'.repeat(i)}`));
    const folder = treeOf(long.map((each, i) => file(String(i + 10), each)));
    const deep = commitOf(folder.oid);
    const chain = long.slice(1).map((each, i): Entry => ({ base: 2 + i, delta: delta(long[i] as NewObject, each) }));
    const table: [string, Uint8Array, RegExp?][] = [
      ['an object that nobody names', push([...entries, stray])],
      ['a commit that no ref has', push([...entries, commitOf(tree.oid, [second.oid])])],
      ['an object twice', push([...entries, tree])],
      ['a base by its name', push([...entries.slice(0, 5), { base: changed.oid, delta: delta(changed, readme) }])],
      ['a size that begins with zero', push([second, first, next, tree, changed, { ...readme, padded: true }])],
      [
        'what is not compressed',
        pushOf([[MAIN, null, commitOf(treeOf([]).oid).oid]], packOf([commitOf(treeOf([]).oid), treeOf([])])),
      ],
      ['a delta of nothing', pushOf([[MAIN, null, third.oid]], packOf([none, readme, third, nothing]))],
      ['a long chain', pushOf([[MAIN, null, deep.oid]], packOf([deep, folder, long[0] as NewObject, ...chain]))],
      ['a ref that is refused', push(entries, ['refs/heads/a..b', null, first.oid]), /ng refs\/heads\/a\.\.b/],
    ];
    for (const [what, bytes, report = /unpack ok\n.*ok refs\/heads\/main/s] of table) {
      const { push: send, packs } = server();
      expect(await send(bytes), what).to.match(report);
      expect(packs.bytes, what).to.equal(0);
    }
    const { push: send, packs } = server();
    await send(push(entries, ['refs/tags/here', null, second.oid]));
    expect(packs.bytes, 'a second ref is none of these').to.be.greaterThan(0);
  });

  it('is none where a push builds on what was there, or has a ref that leads there', async () => {
    const { push: send, packs } = server();
    await send(pushOf([[MAIN, null, first.oid]], packOf([first, tree, readme])));
    const before = packs.bytes;
    expect(before).to.be.greaterThan(0);
    await send(pushOf([[MAIN, first.oid, second.oid]], packOf([second, next, changed])));
    expect(packs.bytes).to.equal(before);
    const other = commitOf(next.oid);
    const commands = [
      ['refs/heads/other', null, other.oid],
      ['refs/heads/old', null, first.oid],
    ] as const;
    expect(await send(pushOf(commands, packOf([other, next, changed])))).to.include('ok refs/heads/old');
    expect(packs.bytes).to.equal(before);
  });

  it('is not copied where there is no room, and what is refused takes none', async () => {
    const small = server(1000);
    await small.push(push(entries));
    expect(small.packs.bytes).to.equal(0);
    const { push: send, packs } = server(4 * packOf(entries).length);
    for (let i = 0; i < 10; i++) await send(push([...entries], ['refs/heads/a..b', null, first.oid]));
    await send(pushOf([['refs/heads/other', null, second.oid]], packOf(entries)));
    expect(packs.bytes, 'what was given up is free again').to.be.greaterThan(0);
  });
});
