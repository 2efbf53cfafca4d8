import { expect } from 'chai';
import type { GitStore } from '../../ports/git/git-store.js';
import type { ObjectExchange } from '../../ports/git/object-exchange.js';
import type { Oid } from '../../ports/vocabulary.js';
import { rejects } from './git-store-parts/bench.js';
import { point } from './host-parts/bench.js';

/** One side: a repository, and its exchange. */
export interface ExchangeSide {
  readonly store: GitStore;
  readonly exchange: ObjectExchange;
}

/** Two repositories, empty at first, that exchange objects. */
export interface ObjectExchangeBench {
  readonly one: ExchangeSide;
  readonly two: ExchangeSide;
  dispose(): Promise<void>;
}

async function collected(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return pieces;
}

async function* given(pieces: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* pieces;
}

const sizeOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, { length }) => sum + length, 0);

/** Every promise of the `object-exchange` port. */
export function objectExchangeContract(name: string, factory: () => Promise<ObjectExchangeBench>): void {
  describe(`object-exchange contract: ${name}`, function () {
    this.timeout(30_000);
    let bench: ObjectExchangeBench;
    let one: ExchangeSide;
    let two: ExchangeSide;
    beforeEach(async () => {
      bench = await factory();
      ({ one, two } = bench);
    });
    afterEach(async () => {
      await Promise.all([one.store.close(), two.store.close()]);
      await bench.dispose();
    });
    const isThere = async ({ store }: ExchangeSide, oid: Oid): Promise<boolean> => (await store.headers([oid]))[0] !== null;

    it('brings what tips reach to a repository that has nothing, and moves no ref', async () => {
      const first = await point(one.store, 'refs/heads/a', 'first');
      const tip = await point(one.store, 'refs/heads/a', 'second');
      await two.exchange.receive(one.exchange.send([tip, first], []));
      const [object] = await two.store.readPaths(tip, ['file']).catch(() => [null]);
      expect(await isThere(two, tip)).to.equal(true);
      expect(await isThere(two, first)).to.equal(true);
      expect(object?.oid ?? null).to.equal((await one.store.readPaths(tip, ['file']))[0]?.oid ?? null);
      expect((await two.store.refs(['refs/'])).size).to.equal(0);
      await two.store.updateRefs([{ ref: 'refs/heads/a', old: null, next: tip }], 'test');
      expect((await two.store.refs(['refs/'])).get('refs/heads/a')).to.equal(tip);
    });

    it('leaves out what the other side has', async () => {
      const text = Array.from({ length: 3000 }, (_, i) => ((i * 2_654_435_761) >>> 7).toString(36)).join('');
      const first = await point(one.store, 'refs/heads/a', text);
      const whole = await collected(one.exchange.send([first], []));
      await two.exchange.receive(given(whole));
      const tip = await point(one.store, 'refs/heads/a', 'small');
      const rest = await collected(one.exchange.send([tip], [first]));
      expect(sizeOf(rest)).to.be.lessThan(sizeOf(whole) / 4);
      await two.exchange.receive(given(rest));
      expect(await isThere(two, tip)).to.equal(true);
      await two.exchange.receive(one.exchange.send([tip], [tip]));
      await two.exchange.receive(one.exchange.send([], [tip]));
    });

    it('bears that whoever asked leaves in the middle', async () => {
      const text = Array.from({ length: 400_000 }, (_, i) => ((i * 2_654_435_761) >>> 7).toString(36)).join('');
      const tip = await point(one.store, 'refs/heads/a', text);
      const nobodys: unknown[] = [];
      const note = (error: unknown): void => void nobodys.push(error);
      process.on('unhandledRejection', note);
      try {
        for await (const _ of one.exchange.send([tip], [])) break;
        await two.exchange.receive(one.exchange.send([tip], [])); // by then, what was left behind has ended
      } finally {
        process.off('unhandledRejection', note);
      }
      expect(nobodys).to.deep.equal([]);
      expect(await isThere(two, tip)).to.equal(true);
    });

    it('sends nothing that isn’t there, and takes nothing that is damaged or was cut short', async () => {
      const tip = await point(one.store, 'refs/heads/a', 'some content');
      const missing = tip.replace(/^./, (c) => (c === '0' ? '1' : '0'));
      await rejects(collected(one.exchange.send([missing], [])), 'GIT_ERROR');
      const bytes = Buffer.concat(await collected(one.exchange.send([tip], [])));
      await rejects(two.exchange.receive(given([bytes.subarray(0, bytes.length - 9)])), 'GIT_ERROR');
      expect(await isThere(two, tip)).to.equal(false);
      async function* broken(): AsyncIterable<Uint8Array> {
        yield bytes.subarray(0, 8);
        throw new Error('broke off');
      }
      const error = await two.exchange.receive(broken()).catch((thrown: unknown) => thrown);
      expect(String(error)).to.include('broke off');
      await two.exchange.receive(given([bytes.subarray(0, 5), bytes.subarray(5)]));
      expect(await isThere(two, tip)).to.equal(true);
    });
  });
}
