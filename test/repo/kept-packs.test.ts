import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { memoryStore } from '../../adapters/git-memory/open.js';
import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { nodeZlib } from '../../apps/node-zlib.js';
import { concat, utf8 } from '../../domain/git/bytes.js';
import { replacing } from '../../domain/git/store-view.js';
import { Sandbox } from '../support/worlds/sandbox.js';
import { openRepository } from '../../domain/repo/repository.js';
import { KeptPacks, type WholeClone } from '../../domain/repo/serve/kept-packs.js';
import { uploadPack } from '../../domain/repo/serve/fetch/upload-pack.js';
import { encodePkt } from '../../ports/grammar/git-words/pkt-line.js';
import type { GitStore } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import { ANNA } from './support.js';

/** What a clone was sent, and how many objects were read for it. */
interface Cloned {
  readonly bytes: string;
  readonly reads: number;
  readonly pack: Buffer;
}

/** The first band of an answer. */
function packIn(answer: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < answer.length; ) {
    const length = Number.parseInt(answer.toString('latin1', at, at + 4), 16);
    if (answer[at + 4] === 1) pieces.push(answer.subarray(at + 5, at + length));
    at += Math.max(4, length);
  }
  return Buffer.concat(pieces);
}

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
    const clone = async (want: Oid, more: readonly string[] = []): Promise<Cloned> => {
      const lines = ['command=fetch', 'object-format=sha1'].map(encodePkt);
      const asked = ['ofs-delta', 'no-progress', `want ${want}`, ...more, 'done'].map((line) => encodePkt(`${line}\n`));
      const request = concat([...lines, utf8('0001'), ...asked, utf8('0000')]);
      reads = 0;
      const parts = { store, hasher, zlib: nodeZlib, agent: 'test', packs };
      const pieces: Uint8Array[] = [];
      for await (const piece of uploadPack(parts, 2, request)) pieces.push(piece);
      const bytes = Buffer.from(concat(pieces));
      return { bytes: bytes.toString('hex'), reads, pack: packIn(bytes) };
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

  /** Has a pack of one entry of so many bytes sent for a commit. */
  function send(packs: KeptPacks, store: GitStore, digit: string, bytes: number): void {
    const gathering = packs.gather(store, asked(digit), null);
    gathering.add(new Uint8Array(bytes));
    gathering.keep([{ oid: digit.repeat(40), depth: 0 }]);
    gathering.drop();
  }
  const asked = (digit: string): WholeClone => ({ commits: [digit.repeat(40)], others: [], distances: true });
  const isKept = (packs: KeptPacks, store: GitStore, digit: string): boolean =>
    packs.of(store, asked(digit)).some(({ commits }) => commits[0] === digit.repeat(40));
  const A_NAME = 21; // twenty bytes, and one for its depth

  it('take no more than they may, and what was sent longest ago goes', async () => {
    const { packs, store } = await bench(4 * (20 + A_NAME));
    for (const digit of ['a', 'b', 'c', 'd', 'e']) send(packs, store, digit, 20);
    send(packs, store, 'f', 42);
    const kept = ['a', 'b', 'c', 'd', 'e', 'f'].filter((digit) => isKept(packs, store, digit));
    expect([kept, packs.bytes]).to.deep.equal([['b', 'c', 'd', 'e'], 4 * (20 + A_NAME)]);
    send(packs, store, 'b', 20);
    expect(packs.bytes, 'it is there once').to.equal(4 * (20 + A_NAME));
    expect(packs.of((await bench(1)).store, asked('b')), 'of another repository').to.deep.equal([]);
  });

  it('are not kept when their client goes away', async () => {
    const { packs, store } = await bench(1024);
    const gathering = packs.gather(store, asked('a'), null);
    gathering.add(new Uint8Array(20));
    gathering.drop();
    expect([packs.of(store, asked('a')), packs.bytes]).to.deep.equal([[], 0]);
    for (let i = 0; i < 100; i++) send(packs, store, 'a', 20); // what was dropped counts no more
    expect(packs.bytes).to.equal(20 + A_NAME);
  });

  it('go on from one state to the next, stay whole, and grow no longer chains of deltas', async () => {
    const { commit, clone, packs, repository, store } = await bench(16 * 1024 * 1024);
    const sandbox = new Sandbox();
    try {
      let tip = '';
      for (let i = 0; i < 80; i++) tip = await commit('x'.repeat(300 + i));
      const first = await clone(tip, ['include-tag']);
      for (let step = 0; step < 70; step++) {
        tip = await commit(`changed ${step} ${'x'.repeat(300)}`);
        if (step === 30) await repository.createTag('v1', 'HEAD~3', { message: 'of what went before', tagger: ANNA });
        const { reads, pack } = await clone(tip, ['include-tag']);
        expect(reads, 'no more than what is new').to.be.lessThan(first.reads / 4);
        if (step % 23 > 0) continue;
        const folder = sandbox.bare(`clone-${step}.git`);
        sandbox.run('git', ['-C', folder, 'index-pack', '--strict', '--stdin'], pack);
        sandbox.git(folder, 'update-ref', 'refs/heads/main', tip);
        sandbox.git(folder, 'fsck', '--strict', '--full');
        expect(sandbox.git(folder, 'rev-list', '--count', 'main')).to.equal(String(81 + step));
        const index = readdirSync(join(folder, 'objects', 'pack')).find((name) => name.endsWith('.idx')) ?? '';
        const chains = [
          ...sandbox
            .git(folder, 'verify-pack', '-sv', join(folder, 'objects', 'pack', index))
            .matchAll(/^chain length = (\d+)/gm),
        ];
        expect(Math.max(...chains.map(([, length]) => Number(length)))).to.be.within(20, 50);
        const tags = (await store.refs(['refs/tags/'])).values();
        for (const tag of tags) expect(sandbox.git(folder, 'cat-file', '-t', tag)).to.equal('tag');
      }
      const [kept] = packs.of(store, { commits: [tip], others: [], distances: true });
      expect(kept?.entries.length, 'seventy small pieces are few larger ones').to.be.within(1, 10);
    } finally {
      sandbox.remove();
    }
  });

  it('are left where a state has gone that nobody is to have any more', async () => {
    const { commit, clone, repository } = await bench(16 * 1024 * 1024);
    const base = await commit('base');
    const secret = await commit(`a secret ${'that was committed by mistake '.repeat(9)}`);
    const before = await clone(secret);
    await repository.reset(base, 'hard');
    const after = await clone(await commit('without it'));
    const sandbox = new Sandbox();
    try {
      const folder = sandbox.bare('after.git');
      sandbox.run('git', ['-C', folder, 'index-pack', '--strict', '--stdin'], after.pack);
      expect(() => sandbox.git(folder, 'cat-file', '-e', secret)).to.throw();
      expect(after.pack.length).to.be.lessThan(before.pack.length);
    } finally {
      sandbox.remove();
    }
  });
});
