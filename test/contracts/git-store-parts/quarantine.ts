import { expect } from 'chai';
import type { NewObject, Quarantine } from '../../../ports/git/git-store.js';
import { blob, commit, files } from '../git-objects.js';
import { all, chain, rejects } from './bench.js';
import type { Bench } from './bench.js';

/** The part about objects of a push that is not accepted yet. */
export function quarantineContract(bench: Bench, fill: (objects: readonly NewObject[]) => Promise<string>): void {
  const { format, capabilities, unknown, store } = bench;

  /** A commit on top of another, with all that is new for it. */
  const onTop = (parent: string): { tip: NewObject; objects: NewObject[] } => {
    const { root, objects } = files(format, { a: 'pushed', 'b/c': 'pushed too' });
    const tip = commit(format, { tree: root, parents: [parent], time: 1_700_000_100 });
    return { tip, objects: [...objects, tip] };
  };

  /** What holds of every quarantine that has these objects. */
  const holds = async (quarantine: Quarantine, base: string, tip: NewObject, objects: readonly NewObject[]): Promise<void> => {
    const read = await quarantine.read([tip.oid, base, unknown]);
    expect(read.map((object) => object?.oid ?? null)).to.deep.equal([tip.oid, base, null]);
    expect((await quarantine.headers([tip.oid]))[0]?.size).to.equal(tip.body.length);
    expect(Buffer.from((await quarantine.readPaths(tip.oid, ['b/c']))[0]?.body ?? []).toString()).to.equal('pushed too');
    expect(await quarantine.isAncestor(base, tip.oid)).to.equal(true);
    expect(await all(quarantine.history({ tip: tip.oid }))).to.deep.equal([tip.oid, base]);
    expect([...(await quarantine.refs(['refs/']))]).to.deep.equal([['refs/heads/main', base]]);
    expect(await store().read(objects.map(({ oid }) => oid))).to.deep.equal(objects.map(() => null));
    const move = { ref: 'refs/heads/main', old: base, next: tip.oid };
    await rejects(quarantine.updateRefs([move], 'test'), 'NOT_SUPPORTED');
    await rejects(quarantine.openQuarantine(null), 'NOT_SUPPORTED');
    expect(quarantine.capabilities.quarantines).to.deep.equal([]);
    expect(quarantine.objectFormat).to.equal(format);
  };

  const based = async (): Promise<string> => {
    const [base] = (await chain(bench, [{ a: '1' }])) as [string];
    await store().updateRefs([{ ref: 'refs/heads/main', old: null, next: base }], 'test');
    return base;
  };

  describe('quarantines', () => {
    if (capabilities.quarantines.includes('new')) {
      it('keeps what is written to one apart, and drops it with it', async () => {
        const base = await based();
        const { tip, objects } = onTop(base);
        const quarantine = await store().openQuarantine(null);
        await quarantine.read([tip.oid]);
        await quarantine.write(objects);
        await holds(quarantine, base, tip, objects);
        await quarantine.close();
        await quarantine.close();
        await rejects(quarantine.read([tip.oid]), 'UNEXPECTED');
        await rejects(quarantine.accept(), 'UNEXPECTED');
        expect(await store().read([tip.oid, base])).to.deep.equal([null, (await store().read([base]))[0]]);
      });

      for (const count of [1, 300]) {
        it(`takes ${count} objects over, and refs can move to them`, async () => {
          const base = await based();
          const { tip, objects } = onTop(base);
          const many = Array.from({ length: count }, (_, i) => blob(format, `pushed ${i}`));
          const quarantine = await store().openQuarantine(null);
          await quarantine.write(objects);
          await quarantine.write(many);
          await quarantine.write([blob(format, '1')]); // the repository has it already
          await quarantine.accept();
          const oids = [...objects, ...many].map(({ oid }) => oid);
          expect((await store().read(oids)).map((object) => object?.oid)).to.deep.equal(oids);
          await store().updateRefs([{ ref: 'refs/heads/main', old: base, next: tip.oid }], 'test');
          await rejects(quarantine.read([tip.oid]), 'UNEXPECTED');
          await quarantine.close();
        });
      }

      it('keeps two of them apart, and sees what the repository gets meanwhile', async () => {
        const [one, two] = [await store().openQuarantine(null), await store().openQuarantine(null)];
        const [mine, later] = [blob(format, 'mine'), blob(format, 'later')];
        await one.write([mine]);
        expect(await two.read([mine.oid])).to.deep.equal([null]);
        await store().write([later]);
        expect((await one.read([mine.oid, later.oid])).map((object) => object?.oid)).to.deep.equal([mine.oid, later.oid]);
        await two.close();
        await one.accept();
        expect((await store().read([mine.oid]))[0]?.oid).to.equal(mine.oid);
      });
    } else {
      it('refuses a new one', () => rejects(store().openQuarantine(null), 'NOT_SUPPORTED'));
    }

    if (capabilities.quarantines.includes('given')) {
      it('reads one that receive-pack has filled, and changes nothing in it', async () => {
        const base = await based();
        const { tip, objects } = onTop(base);
        const path = await fill(objects);
        const quarantine = await store().openQuarantine(path);
        await holds(quarantine, base, tip, objects);
        await rejects(quarantine.write([blob(format, 'more')]), 'NOT_SUPPORTED');
        await rejects(quarantine.accept(), 'NOT_SUPPORTED');
        await quarantine.close();
        await rejects(quarantine.read([tip.oid]), 'UNEXPECTED');
        const again = await store().openQuarantine(path);
        expect((await again.read([tip.oid]))[0]?.oid).to.equal(tip.oid);
        await again.close();
      });

      it('takes no other folder for one', async () => {
        const path = await fill([blob(format, 'x')]);
        const [parent, name] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)];
        for (const bad of ['', name, parent, `${parent}/pack`, `${parent}/../${name}`, `/elsewhere/objects/${name}`]) {
          await rejects(store().openQuarantine(bad), 'INPUT_INVALID');
        }
      });
    } else {
      it('refuses one that another program has filled', () =>
        rejects(store().openQuarantine('/r.git/objects/tmp_objdir-incoming-Ab12cd'), 'NOT_SUPPORTED'));
    }
  });
}
