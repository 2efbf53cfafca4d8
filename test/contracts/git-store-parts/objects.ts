import { expect } from 'chai';
import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import { blob, commit, tag, tree } from '../git-objects.js';
import { rejects } from './bench.js';
import type { Bench } from './bench.js';

/** The part about reading and writing objects. */
export function objectsContract(bench: Bench): void {
  const { format, unknown, store } = bench;

  describe('objects', () => {
    it('gives back every type as it was written', async () => {
      const leaf = blob(format, 'hello\n');
      const root = tree(format, [{ name: 'a', oid: leaf.oid }]);
      const made = commit(format, { tree: root.oid, time: 1_700_000_000 });
      const label = tag(format, made.oid, 'v1');
      const objects = [leaf, root, made, label];
      await store().write(objects);
      const read = await store().read(objects.map((each) => each.oid));
      for (const [i, each] of objects.entries()) {
        expect(read[i]?.oid).to.equal(each.oid);
        expect(read[i]?.type).to.equal(each.type);
        expect(Buffer.compare(read[i]?.body ?? Buffer.alloc(0), each.body)).to.equal(0);
      }
      expect(await store().headers(objects.map((each) => each.oid))).to.deep.equal(
        objects.map((each) => ({ oid: each.oid, type: each.type, size: each.body.length })),
      );
    });

    it('knows the empty tree, which nobody writes', async () => {
      const { oid } = tree(format, []);
      expect((await store().read([oid]))[0])
        .to.include({ oid, type: 'tree' })
        .and.to.have.nested.property('body.length', 0);
      expect(await store().headers([oid])).to.deep.equal([{ oid, type: 'tree', size: 0 }]);
    });

    it('answers in the order asked, with null for what is not there and again for duplicates', async () => {
      const [one, two] = [blob(format, 'one'), blob(format, 'two')] as const;
      await store().write([one, two]);
      const asked = [two.oid, unknown, one.oid, two.oid];
      expect((await store().read(asked)).map((each) => each?.oid ?? null)).to.deep.equal([two.oid, null, one.oid, two.oid]);
      expect((await store().headers(asked)).map((each) => each?.oid ?? null)).to.deep.equal([two.oid, null, one.oid, two.oid]);
      expect(await store().read([])).to.deep.equal([]);
    });

    it('takes an empty body, a body of a megabyte, and bytes of every value', async () => {
      const every = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31 + (i >> 8) * 7) & 255);
      const objects = [blob(format, ''), blob(format, Buffer.alloc(1 << 20, 'x')), blob(format, every)];
      await store().write(objects);
      const read = await store().read(objects.map((each) => each.oid));
      expect(read.map((each) => each?.body.length)).to.deep.equal([0, 1 << 20, 70_000]);
      for (const [i, each] of objects.entries()) expect(Buffer.compare(read[i]?.body ?? Buffer.alloc(0), each.body)).to.equal(0);
    });

    it('reads nothing that is too large, alone or together with what came before, and goes on reading', async () => {
      const [small, large] = [blob(format, Buffer.alloc(600, 's')), blob(format, Buffer.alloc(2 ** 20, 'l'))];
      const root = tree(format, [
        { name: 'large', oid: large.oid },
        { name: 'small', oid: small.oid },
      ]);
      await store().write([small, large, root]);
      const most = (blobs: number, together: number) => ({
        objects: { blob: blobs, tree: 1000, commit: 1000, tag: 1000 },
        together,
      });
      const refused = async (reading: Promise<unknown>): Promise<unknown> => {
        const error = await reading.catch((thrown: unknown) => thrown);
        return KvError.is(error) ? [error.code, error.details?.['object'], error.details?.['tooLarge']] : error;
      };
      const alone = ['POLICY_VIOLATION', large.oid, 'alone'];
      const asked = [store().read([small.oid, large.oid], most(1000, 10 ** 9)), store().read([small.oid])];
      expect(await refused(asked[0] as Promise<unknown>)).to.deep.equal(alone);
      expect((await (asked[1] as Promise<unknown[]>)).length, 'who asked at the same time gets an answer').to.equal(1);
      expect(await refused(store().readPaths(root.oid, ['small', 'large'], most(1000, 10 ** 9)))).to.deep.equal(alone);
      expect(await refused(store().read([small.oid, small.oid], most(1000, 1000)))).to.deep.equal([
        'POLICY_VIOLATION',
        small.oid,
        'together',
      ]);
      expect(await store().read([small.oid, unknown], most(600, 600))).to.have.length(2);
      expect((await store().read([large.oid], most(2 ** 20, 2 ** 20)))[0]?.body.length).to.equal(2 ** 20);
    });

    it('takes nothing, duplicates, and objects that are there already', async () => {
      await store().write([]);
      const twelve = Array.from({ length: 12 }, (_, i) => blob(format, `n${i}`));
      await store().write([...twelve, ...twelve]);
      await store().write(twelve.slice(0, 3));
      await store().write([...twelve, blob(format, 'new')]);
      const read = await store().read([...twelve.map((each) => each.oid), blob(format, 'new').oid]);
      expect(read.every((each) => each !== null)).to.equal(true);
    });

    it('stores 10,000 objects from an async iterable and reads them at once', async () => {
      const objects = Array.from({ length: 10_000 }, (_, i) => blob(format, `value ${i} ${'y'.repeat(i % 400)}`));
      async function* stream(): AsyncIterable<NewObject> {
        yield* objects;
      }
      await store().write(stream());
      const read = await store().read([...objects.map((each) => each.oid), unknown]);
      expect(read.length).to.equal(10_001);
      expect(read[10_000]).to.equal(null);
      for (const [i, each] of objects.entries()) {
        if (read[i]?.oid !== each.oid || Buffer.compare(read[i]?.body ?? Buffer.alloc(0), each.body) !== 0)
          throw new Error(`object ${i}`);
      }
    });

    it('refuses an id that is none', async () => {
      await rejects(store().read(['--batch-all-objects']), 'INPUT_INVALID');
      await rejects(store().headers([unknown.slice(1)]), 'INPUT_INVALID');
      await rejects(store().readPaths('HEAD', ['a']), 'INPUT_INVALID');
      await rejects(store().write([{ oid: '../../x', type: 'blob', body: Buffer.alloc(0) }]), 'INPUT_INVALID');
    });

    it('passes on what the iterable throws, and stores none of it', async () => {
      const first = Array.from({ length: 20 }, (_, i) => blob(format, `lost ${i}`));
      async function* broken(): AsyncIterable<NewObject> {
        yield* first;
        throw new KvError('INPUT_INVALID', 'line 21');
      }
      await rejects(store().write(broken()), 'INPUT_INVALID');
      expect(await store().headers(first.map((each) => each.oid))).to.deep.equal(first.map(() => null));
    });

    it('answers many calls made at the same time', async () => {
      const objects = Array.from({ length: 200 }, (_, i) => blob(format, `c${i}`));
      await store().write(objects);
      const replies = await Promise.all(
        objects.map(async (each, i) =>
          i % 2 === 0 ? (await store().read([each.oid, unknown]))[0] : (await store().headers([each.oid]))[0],
        ),
      );
      expect(replies.map((reply) => reply?.oid)).to.deep.equal(objects.map((each) => each.oid));
    });
  });
}
