import { expect } from 'chai';
import { ObjectTable } from '../../adapters/git-memory/object-table.js';
import type { GitObject, ObjectFormat, ObjectType } from '../../ports/vocabulary.js';
import { seeded } from '../repo/support.js';

const TYPES: readonly ObjectType[] = ['blob', 'tree', 'commit', 'tag'];

for (const format of ['sha1', 'sha256'] as const satisfies readonly ObjectFormat[]) {
  describe(`a table of objects, ${format}`, () => {
    const random = seeded(7);
    const idOf = (): string =>
      Array.from({ length: format === 'sha1' ? 40 : 64 }, () => '0123456789abcdef'[random(16)] as string).join('');
    const make = (length: number): GitObject => ({
      oid: idOf(),
      type: TYPES[random(4)] as ObjectType,
      body: Uint8Array.from({ length }, () => random(256)),
    });
    const same = (found: GitObject | null, { oid, type, body }: GitObject): void => {
      expect([found?.oid, found?.type, Buffer.from(found?.body ?? []).toString('hex')]).to.deep.equal([
        oid,
        type,
        Buffer.from(body).toString('hex'),
      ]);
    };

    it('has what was put there and nothing else, whatever comes and goes', () => {
      const table = new ObjectTable(format);
      const model = new Map<string, GitObject>();
      for (let round = 0; round < 20; round++) {
        for (let i = 0; i < 300; i++) {
          const object = make(i % 50 === 0 ? 3000 + random(6000) : random(200));
          expect(table.add(object)).to.equal(true);
          expect(table.add(object), 'twice').to.equal(false);
          model.set(object.oid, object);
        }
        const going = [...model.keys()].filter(() => random(3) > 0); // more than half: what has gone is cleared away
        for (const oid of going) {
          expect(table.drop(oid)).to.equal(model.get(oid)?.body.length);
          expect(table.drop(oid), 'again').to.equal(-1);
          model.delete(oid);
          expect(table.get(oid)).to.equal(null);
        }
        expect(table.count).to.equal(model.size);
      }
      for (const object of model.values()) same(table.get(object.oid), object);
      const all = [...table];
      expect(all.map(({ oid }) => oid)).to.deep.equal([...model.keys()]); // in the order in which they came
      for (const found of all) same(found, model.get(found.oid) as GitObject);
      expect([...table.ids()]).to.deep.equal([...model.keys()]);
      expect(table.bodyBytes).to.equal([...model.values()].reduce((sum, { body }) => sum + body.length, 0));
      table.clear();
      expect([table.count, [...table].length]).to.deep.equal([0, 0]);
    });

    it('tells ids apart that begin alike, and takes nothing that is no id', () => {
      const table = new ObjectTable(format);
      const start = idOf().slice(0, 8);
      const alike = Array.from({ length: 100 }, () => ({ ...make(10), oid: start + idOf().slice(8) }));
      for (const object of alike) table.add(object);
      for (const object of alike) same(table.get(object.oid), object);
      const { oid } = alike[0] as GitObject;
      for (const none of ['', oid.slice(1), `${oid}0`, oid.toUpperCase(), `${oid.slice(1)}g`, `${oid.slice(1)}\u0141`]) {
        if (none !== oid) expect(table.has(none), none).to.equal(false);
        if (none !== oid) expect(() => table.add({ ...make(1), oid: none })).to.throw(RangeError);
      }
    });
  });
}

describe('tables of objects', () => {
  it('each have a seed of their own, however many there are', () => {
    const seeds = Array.from({ length: 1000 }, () => (new ObjectTable('sha1') as unknown as { readonly seed: number }).seed);
    expect(new Set(seeds).size).to.be.greaterThan(990); // of 32 bits, two may be the same once in ten thousand runs
  });
});
