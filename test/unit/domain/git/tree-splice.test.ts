import { expect } from 'chai';
import { nodeHasher } from '../../../../adapters/hasher-node/open.js';
import { ObjectNamer } from '../../../../domain/git/object.js';
import { oidAt, placeOf, spliced } from '../../../../domain/git/tree/tree-splice.js';
import { readTree } from '../../../../domain/git/tree/tree.js';
import { editTree } from '../../../../domain/repo/objects/tree-edits.js';
import type { Entry } from '../../../../domain/repo/objects/trees.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { seeded } from '../../../repo/support.js';

describe('one entry of a tree', () => {
  for (const format of ['sha1', 'sha256'] as const) {
    it(`is changed where it is as an edit of many entries would, ${format}`, async () => {
      const random = seeded(11);
      const namer = new ObjectNamer(nodeHasher(), format);
      const objects = new Map<Oid, NewObject>();
      const read = async (oids: readonly Oid[]): Promise<(NewObject | null)[]> => oids.map((oid) => objects.get(oid) ?? null);
      const atHand = { read, object: (oid: Oid) => objects.get(oid) ?? null };
      const names = ['a', 'a-', 'a.b', 'a0', 'ab', 'b', 'zz', 'x\xe4'];
      const edit = async (reader: typeof atHand | { read: typeof read }, base: Oid | null, path: string, entry: Entry | null) => {
        const out: NewObject[] = [];
        const tree = await editTree(reader, namer, base, new Map([[path, entry]]), out);
        return { tree, made: out.map(({ oid, like }) => `${oid} ${like ?? ''}`).sort(), out };
      };
      let base: Oid | null = null;
      let removed = 0;
      const files = new Set<string>();
      for (let i = 0; i < 600; i++) {
        const path = Array.from({ length: 1 + random(3) }, () => names[random(names.length)]).join('/');
        const isGone = random(3) === 0;
        const isInTheWay = [...files].some((file) => file.startsWith(`${path}/`) || path.startsWith(`${file}/`));
        if (isInTheWay && !isGone) continue; // a file and a directory of one name are no tree
        if (isGone) files.delete(path);
        else files.add(path);
        if (isGone) removed++;
        const entry = isGone
          ? null
          : { mode: random(5) === 0 ? '100755' : '100644', oid: namer.oid('blob', Uint8Array.of(random(9))) };
        const quick = await edit(atHand, base, path, entry);
        const usual = await edit({ read }, base, path, entry);
        expect([quick.tree, quick.made], path).to.deep.equal([usual.tree, usual.made]);
        for (const object of quick.out) objects.set(object.oid, object);
        base = quick.tree;
      }
      expect(removed).to.be.greaterThan(100);
    });
  }

  it('is found as git sorts it, a directory apart from a file of its name', () => {
    const oid = 'a'.repeat(40);
    let body: Uint8Array = new Uint8Array(0);
    const put = (mode: string, name: string): void => {
      const key = mode === '40000' ? `${name}/` : name;
      body = spliced(body, placeOf(body, 20, key), { mode, name, oid });
    };
    for (const [mode, name] of [
      ['40000', 'a'],
      ['100644', 'a.b'],
      ['100644', 'a'],
      ['100644', 'a0'],
      ['120000', 'a-'],
    ] as const)
      put(mode, name);
    expect(readTree(body, 20).map(({ mode, name }) => `${mode} ${name}`)).to.deep.equal([
      ...['100644 a', '120000 a-', '100644 a.b', '40000 a', '100644 a0'],
    ]);
    const dir = placeOf(body, 20, 'a/');
    expect(oidAt(body, dir, 20)).to.equal(oid);
    expect(readTree(spliced(body, dir, null), 20).map(({ name }) => name)).to.deep.equal(['a', 'a-', 'a.b', 'a0']);
    const none = placeOf(body, 20, 'a-/');
    expect(none.end).to.equal(none.start);
    expect(() => placeOf(body.subarray(0, 15), 20, 'zz')).to.throw('malformed tree object');
  });
});
