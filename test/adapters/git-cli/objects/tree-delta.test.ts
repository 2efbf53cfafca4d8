import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { treeDelta } from '../../../../adapters/git-cli/pack/tree-delta.js';
import { openGitStore } from '../../../../adapters/git-cli/store.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

const ID = 20;
const DEEPEST = 50;

interface Entry {
  readonly mode: string;
  readonly name: string;
  readonly id: number;
}

/** The bytes of a tree of these entries, in Git's order. */
function treeOf(entries: Iterable<Entry>): Buffer {
  const key = ({ mode, name }: Entry): string => (mode === '40000' ? `${name}/` : name);
  const sorted = [...entries].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return Buffer.concat(
    sorted.flatMap(({ mode, name, id }) => [
      Buffer.from(`${mode} ${name}\0`),
      createHash('sha1').update(String(id)).digest().subarray(0, ID),
    ]),
  );
}

/** What a delta makes of its base, as gitformat-pack has it; throws where the delta is none of this base. */
function applied(base: Buffer, delta: Buffer): Buffer {
  let at = 0;
  const length = (): number => {
    let [value, shift, byte] = [0, 1, 0x80];
    for (; byte & 0x80; shift *= 128) {
      byte = delta[at++] as number;
      value += (byte & 0x7f) * shift;
    }
    return value;
  };
  if (length() !== base.length) throw new Error('a delta of another base');
  const size = length();
  const parts: Buffer[] = [];
  while (at < delta.length) {
    const code = delta[at++] as number;
    if (code < 0x80) {
      if (code === 0) throw new Error('a reserved instruction');
      parts.push(delta.subarray(at, at + code));
      at += code;
      continue;
    }
    const number = (bits: number, first: number): number => {
      let value = 0;
      for (let i = 0; i < bits; i++) if (code & (first << i)) value += (delta[at++] as number) * 256 ** i;
      return value;
    };
    const [from, count] = [number(4, 1), number(3, 0x10) || 0x10000];
    if (from + count > base.length) throw new Error('a copy from beyond the base');
    parts.push(base.subarray(from, from + count));
  }
  const made = Buffer.concat(parts);
  if (made.length !== size) throw new Error('a delta of another length');
  return made;
}

describe('deltas of trees', () => {
  const entry = fc.record({
    mode: fc.constantFrom('100644', '100755', '40000'),
    name: fc
      .string({ unit: fc.constantFrom('a', 'b', '-', '0', '.'), minLength: 1, maxLength: 4 })
      .filter((name) => !/^\.+$/.test(name)),
    id: fc.nat(5),
  });
  const entries = fc.array(entry, { maxLength: 60 }).map((all) => new Map(all.map((one) => [one.name, one])));

  it('make the tree that they are for, whatever has changed', () => {
    let deltas = 0;
    const property = fc.property(entries, entries, fc.boolean(), (before, changes, apart) => {
      const base = treeOf(before.values());
      const after = apart ? changes : new Map([...before, ...[...changes].slice(0, 3)]);
      for (const name of [...before.keys()].slice(0, apart ? 0 : 2)) after.delete(name);
      const target = treeOf(after.values());
      const delta = treeDelta(base, target, ID);
      if (delta === null) return;
      deltas++;
      expect(applied(base, delta)).to.deep.equal(target);
      expect(delta.length).to.be.at.most(Math.max(10, target.length / 2 + 10));
    });
    fc.assert(property, { numRuns: 2000, seed: 7 });
    expect(deltas).to.be.greaterThan(300);
  });

  it('take a few bytes for an entry of a large tree, and for one here and there', () => {
    const all = Array.from({ length: 4000 }, (_, id) => ({ mode: '100644', name: `key${String(id).padStart(5, '0')}.ref`, id }));
    const base = treeOf(all);
    const one = treeOf([...all, { mode: '100644', name: 'key02000.reg', id: 9 }]);
    expect(treeDelta(base, one, ID)?.length).to.be.lessThan(100);
    const ten = treeOf(all.map((each) => (each.id % 400 === 0 ? { ...each, id: -each.id - 1 } : each)));
    const delta = treeDelta(base, ten, ID);
    expect(delta?.length).to.be.lessThan(500);
    expect(applied(base, delta as Buffer)).to.deep.equal(ten);
    expect(treeDelta(base, treeOf(all.map((each) => ({ ...each, id: -each.id - 1 }))), ID), 'nothing is left').to.equal(null);
  });

  it('are left to whoever reads bytes that are no tree', () => {
    const tree = treeOf([{ mode: '100644', name: 'a', id: 1 }]);
    for (const base of [Buffer.alloc(0), Buffer.from('no tree at all'), tree.subarray(0, 10), Buffer.alloc(300, 7)]) {
      for (const target of [tree, Buffer.alloc(400, 9), tree.subarray(0, 12)]) {
        const delta = treeDelta(base, target, ID);
        if (delta !== null) expect(applied(base, delta)).to.deep.equal(target);
      }
    }
  });

  it('are what a pack has of trees that follow one another, no deeper than Git makes them, and Git reads them', async () => {
    const sandbox = new Sandbox();
    const directory = sandbox.bare('r.git');
    const store = await openGitStore({ directory, env: sandbox.env });
    try {
      const blob = object('blob', Buffer.from('value'));
      const objects: NewObject[] = [blob];
      for (let i = 0; i < 120; i++) {
        const names = Array.from({ length: 20 + i }, (_, at) => `file${String(at).padStart(4, '0')}`);
        const body = Buffer.concat(
          names.map((name) => Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob.oid, 'hex')])),
        );
        const like = objects.at(-1);
        objects.push({ ...object('tree', body), ...(like?.type === 'tree' ? { like: like.oid } : {}) });
      }
      await store.write(objects);
      sandbox.git(directory, 'fsck', '--strict');
      const [index] = readdirSync(join(directory, 'objects', 'pack')).filter((name) => name.endsWith('.idx'));
      const shown = sandbox.git(directory, 'verify-pack', '-v', join('objects', 'pack', index as string)).split('\n');
      const depths = shown.flatMap((line) => /^\w{40} tree +\d+ \d+ \d+ (\d+)/.exec(line)?.[1] ?? []).map(Number);
      expect(depths.length, 'deltas').to.be.at.least(115);
      expect(Math.max(...depths)).to.equal(DEEPEST);
      expect((await store.read(objects.map(({ oid }) => oid))).map((one) => one && Buffer.from(one.body))).to.deep.equal(
        objects.map(({ body }) => Buffer.from(body)),
      );
    } finally {
      await store.close();
      sandbox.remove();
    }
  });
});

function object(type: 'blob' | 'tree', body: Buffer): NewObject {
  return { oid: createHash('sha1').update(`${type} ${body.length}\0`).update(body).digest('hex'), type, body };
}
