import { expect } from 'chai';
import { memoryStore } from '../../adapters/git-memory/open.js';
import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { nodeZlib } from '../../apps/node-zlib.js';
import { concat, utf8 } from '../../domain/git/bytes.js';
import { replacing } from '../../domain/git/store-view.js';
import { openRepository } from '../../domain/repo/repository.js';
import { KeptPacks } from '../../domain/repo/serve/kept-packs.js';
import { uploadPack } from '../../domain/repo/serve/upload-pack.js';
import { encodePkt } from '../../ports/grammar/git-words/pkt-line.js';
import type { GitStore } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import { ANNA } from './support.js';

describe('packs of whole clones', () => {
  async function bench(most: number) {
    const memory = memoryStore('sha1', { repository: Infinity, process: Infinity });
    let reads = 0;
    const counted: GitStore['read'] = (oids, bounds) => {
      reads += oids.length;
      return memory.read(oids, bounds);
    };
    const store = replacing<GitStore>(memory, { read: counted });
    const clock = { now: () => 1_700_000_000_000, sleep: async () => undefined };
    const hasher = nodeHasher();
    const randomness = { bytes: (count: number) => new Uint8Array(count) };
    const repository = openRepository({ store: memory, hasher, clock, randomness });
    const commit = async (content: string): Promise<Oid> =>
      (
        await repository.commitChanges(
          'main',
          { put: [{ path: `d/${content.length}`, content }] },
          { message: 'm', author: ANNA },
        )
      ).oid;
    const packs = new KeptPacks(most);
    const clone = async (want: Oid, more: readonly string[] = []): Promise<{ bytes: string; reads: number }> => {
      const lines = ['command=fetch', 'object-format=sha1'].map(encodePkt);
      const asked = ['ofs-delta', 'no-progress', `want ${want}`, ...more, 'done'].map((line) => encodePkt(`${line}\n`));
      const request = concat([...lines, utf8('0001'), ...asked, utf8('0000')]);
      reads = 0;
      const parts = { store, hasher, zlib: nodeZlib, agent: 'test', packs };
      const pieces: Uint8Array[] = [];
      for await (const piece of uploadPack(parts, 2, request)) pieces.push(piece);
      return { bytes: Buffer.from(concat(pieces)).toString('hex'), reads };
    };
    return { commit, clone, packs, repository, store };
  }

  it('are put together once for a state, and are those of another state for another', async () => {
    const { commit, clone, packs, repository } = await bench(1024 * 1024);
    let tip = '';
    for (let i = 1; i < 30; i++) tip = await commit('x'.repeat(i));
    const first = await clone(tip);
    const second = await clone(tip);
    expect(second.bytes).to.equal(first.bytes);
    expect([first.reads > 80, second.reads < 5]).to.deep.equal([true, true]);
    const kept = packs.bytes;
    expect(kept).to.be.greaterThan(1000);
    const part = await clone(tip, ['deepen 1']);
    expect(part.bytes).not.to.equal(first.bytes);
    expect(packs.bytes, 'a part of a history is not kept').to.equal(kept);
    const next = await clone(await commit('y'.repeat(200)));
    expect(next.bytes.length).to.be.greaterThan(first.bytes.length);
    await repository.createTag('v1', 'HEAD', { message: 'one', tagger: ANNA });
    const tagged = await clone((await repository.facts()).tip ?? '', ['include-tag']);
    expect(tagged.bytes.length, 'the tag comes along').to.be.greaterThan(next.bytes.length);
  });

  it('take no more than they may, and what nobody has asked for longest goes', async () => {
    const { packs, store } = await bench(80);
    const send = async (key: string, bytes: number): Promise<void> => {
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        yield new Uint8Array(bytes);
      };
      for await (const _piece of packs.keeping(store, key, 1, pieces())) void _piece;
    };
    for (const key of ['a', 'b', 'c', 'd']) await send(key, 20);
    expect(packs.get(store, 'a')?.bytes).to.equal(20);
    await send('e', 20);
    await send('large', 21);
    const kept = ['a', 'b', 'c', 'd', 'e', 'large'].filter((key) => packs.get(store, key) !== null);
    expect([kept, packs.bytes]).to.deep.equal([['a', 'c', 'd', 'e'], 80]);
    await send('a', 20);
    expect(packs.bytes, 'it is there once').to.equal(80);
    expect(packs.get((await bench(1)).store, 'a'), 'of another repository').to.equal(null);
  });

  it('are not kept when their client goes away', async () => {
    const { packs, store } = await bench(1024);
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      yield new Uint8Array(10);
    };
    for await (const _piece of packs.keeping(store, 'k', 1, pieces())) break;
    expect([packs.get(store, 'k'), packs.bytes]).to.deep.equal([null, 0]);
    for await (const _piece of packs.keeping(store, 'k', 1, pieces())) void _piece;
    expect(packs.get(store, 'k')?.bytes).to.equal(20);
  });
});
