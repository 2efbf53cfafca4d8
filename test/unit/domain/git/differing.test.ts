import { expect } from 'chai';
import { readTree, type TreeEntry, TreeCursor } from '../../../../domain/git/tree/tree.js';
import { differing } from '../../../../domain/repo/objects/differing.js';
import { treeOf } from '../../../support/formats/packs.js';

/** Numbers that look random, always the same. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
}

describe('what differs between two trees', () => {
  const sorted = (entries: Iterable<TreeEntry>): TreeEntry[] => {
    const key = ({ mode, name }: TreeEntry): string => (mode === '40000' ? `${name}/` : name);
    return [...entries].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  };
  const bodyOf = (entries: Iterable<TreeEntry>): Uint8Array => treeOf(sorted(entries)).body;
  /** Each entry of `right` that `left` has not or not so, and what `left` has of that name and kind. */
  const expected = (left: Uint8Array, right: Uint8Array): (string | null)[][] => {
    const key = ({ mode, name }: TreeEntry): string => (mode === '40000' ? `${name}/` : name);
    const before = new Map(readTree(left, 20).map((entry) => [key(entry), entry]));
    const all = readTree(right, 20).map((at) => [at, before.get(key(at)) ?? null] as const);
    return all
      .filter(([at, old]) => old?.oid !== at.oid || old.mode !== at.mode)
      .map(([at, old]) => [at.name, at.oid, old?.oid ?? null]);
  };
  const found = (left: Uint8Array, right: Uint8Array): (string | null)[][] => {
    const all: (string | null)[][] = [];
    for (const { at, before } of differing(new TreeCursor(left, 20), new TreeCursor(right, 20)))
      all.push([at.name, at.oid(), before?.oid() ?? null]); // right here: the cursors go on
    return all;
  };

  it('is found however alike they are, byte for byte', () => {
    const next = numbers(7);
    // Ids of few different bytes, among them those that stand between entries: what is alike ends anywhere.
    const oid = (): string => Array.from({ length: 20 }, () => ['00', '20', '31', '34'][next(40) === 0 ? next(4) : 0]).join('');
    const modes = ['100644', '100755', '40000', '120000'];
    const entry = (name: string): TreeEntry => ({ mode: modes[next(4)] as string, name, oid: oid() });
    for (let round = 0; round < 2000; round++) {
      const names = Array.from({ length: next(12) }, () => 'ab4 0'.slice(0, 1 + next(5)) + String(next(12)));
      const left = new Map(names.map((name) => [name, entry(name)]));
      const right = new Map(left);
      for (let changes = next(4); changes > 0; changes--) {
        const name = `${'ab4'.slice(0, 1 + next(3))}${next(12)}`;
        if (next(3) === 0) right.delete(name);
        else right.set(name, entry(name));
      }
      const [a, b] = [bodyOf(left.values()), bodyOf(right.values())];
      expect(found(a, b), `round ${round}`).to.deep.equal(expected(a, b));
      expect(found(b, a), `round ${round}, the other way round`).to.deep.equal(expected(b, a));
    }
  });
});
