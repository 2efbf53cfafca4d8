import { expect } from 'chai';
import fc from 'fast-check';
import { nodeHasher } from '../../../../adapters/hasher-node/open.js';
import { nodeZlib } from '../../../../apps/node-zlib.js';
import { concat, utf8 } from '../../../../domain/git/bytes.js';
import { applyDelta, deltaSizes, editDelta } from '../../../../domain/git/pack/delta.js';
import { readPack } from '../../../../domain/git/pack/read-pack.js';
import { type PackItem, writePack } from '../../../../domain/git/pack/write-pack.js';
import { KvError } from '../../../../ports/error.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { GitObject, Oid } from '../../../../ports/vocabulary.js';
import { NAMER, packOf } from '../../../support/formats/packs.js';

const blob = (text: string | Uint8Array): NewObject => NAMER.object('blob', typeof text === 'string' ? utf8(text) : text);
const held: GitObject = blob('what the receiver has, and a thin pack builds on'.repeat(4));

async function read(pack: Uint8Array, most = Infinity): Promise<NewObject[]> {
  let left = most;
  const hold = (bytes: number): void => {
    left -= bytes;
    if (left < 0) throw new KvError('STORAGE_FULL', 'no room');
  };
  const lookUp = async (oids: readonly Oid[]) => oids.map((oid) => (oid === held.oid ? held : null));
  return readPack(pack, { namer: NAMER, zlib: nodeZlib, read: lookUp, hold, maxObjects: 1000 });
}

async function codeOf(reading: Promise<unknown>): Promise<string> {
  try {
    await reading;
    return 'none';
  } catch (error) {
    return KvError.is(error) ? error.code : String(error);
  }
}

async function written(objects: readonly GitObject[], items: readonly PackItem[], distances: boolean): Promise<Uint8Array> {
  const known = new Map([...objects, held].map((object) => [object.oid, object]));
  const lookUp = async (oids: readonly Oid[]) => oids.map((oid) => known.get(oid) ?? null);
  const parts = { format: 'sha1' as const, read: lookUp, zlib: nodeZlib, hash: nodeHasher().stream('sha1'), distances };
  const pieces: Uint8Array[] = [];
  for await (const piece of writePack(items, parts)) pieces.push(piece);
  return concat(pieces);
}

const bodies = fc.tuple(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ maxLength: 40 }));

describe('packs', () => {
  it('have deltas that give the object back, and none that is as long as it', () => {
    fc.assert(
      fc.property(bodies, ([start, end, edit]) => {
        const [base, target] = [concat([start, end]), concat([start, edit, end])];
        const delta = editDelta(base, target);
        if (delta === null) return;
        expect(delta.length).to.be.lessThan(target.length + 1);
        expect(applyDelta(base, delta)).to.deep.equal(target);
      }),
      { seed: 3 },
    );
    const [long, longer] = [new Uint8Array(0x1_02_03_04).fill(7), new Uint8Array(0x1_02_03_05).fill(7)];
    longer[0x1_00_00] = 9;
    const delta = editDelta(long, longer);
    expect(delta?.length).to.be.lessThan(60);
    expect(Buffer.from(applyDelta(long, delta ?? utf8(''))).equals(longer)).to.equal(true);
  });

  it('come back as they were, whole, thin, and by distances', async () => {
    const first = utf8(Array.from({ length: 50 }, (_, i) => `line ${i}\n`).join(''));
    const objects = [
      blob(first),
      blob(concat([first, utf8('more\n')])),
      blob(concat([utf8('less\n'), first])),
      blob(concat([held.body, utf8('!')])),
      blob(''),
      blob(new Uint8Array(300_000).map((_, i) => (i * 2_654_435_761) >>> 24)),
    ];
    const bases = [null, 0, 1, held.oid, null, null];
    const items = objects.map(({ oid }, i) => ({ oid, base: bases[i] ?? null }));
    for (const distances of [true, false]) {
      const pack = await written(objects, items, distances);
      const found = await read(pack);
      expect(found.map(({ oid }) => oid).sort()).to.deep.equal(objects.map(({ oid }) => oid).sort());
    }
  });

  it('are refused where they are damaged, lie, or would take memory that nobody has', async () => {
    const whole = packOf([{ type: 'blob', body: utf8('x'.repeat(1000)) }]);
    const edit = editDelta(held.body, concat([held.body, utf8('!')])) ?? utf8('');
    const other = blob('nobody has it').oid;
    const huge = Uint8Array.of(5, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x85, 0, 0, 0);
    const table: [string, Uint8Array, string][] = [
      ['nothing', utf8(''), 'INPUT_INVALID'],
      ['another version', packOf([], { version: 4 }), 'INPUT_INVALID'],
      ['cut short', whole.subarray(0, -1), 'INPUT_INVALID'],
      ['another byte', whole.map((byte, i) => (i === 20 ? byte ^ 1 : byte)), 'INPUT_INVALID'],
      ['fewer objects than it says', packOf([], { count: 1 }), 'INPUT_INVALID'],
      ['more than there may be', packOf([], { count: 1001 }), 'POLICY_VIOLATION'],
      ['bytes behind the last', packOf([{ type: 'blob', body: utf8('x') }], { behind: 'x' }), 'INPUT_INVALID'],
      ['an object that says it is shorter', packOf([{ type: 'blob', body: utf8('xxxx'), says: 3 }]), 'INPUT_INVALID'],
      ['an object that says it is longer', packOf([{ type: 'blob', body: utf8('xxxx'), says: 5 }]), 'INPUT_INVALID'],
      ['a bomb that says what it is', packOf([{ type: 'blob', body: utf8('x'), says: 2 ** 40 }]), 'STORAGE_FULL'],
      ['a bomb that hides what it is', packOf([{ type: 'blob', body: new Uint8Array(100_000), says: 10 }]), 'INPUT_INVALID'],
      [
        'a delta that makes too much',
        packOf([
          { type: 'blob', body: utf8('12345') },
          { base: 0, delta: huge },
        ]),
        'STORAGE_FULL',
      ],
      ['a base that nobody has', packOf([{ base: other, delta: edit }]), 'INPUT_INVALID'],
      ['a base that comes later', packOf([{ base: 7, delta: edit }]), 'INPUT_INVALID'],
      [
        'a delta of another base',
        packOf([
          { type: 'blob', body: utf8('x') },
          { base: 0, delta: edit },
        ]),
        'INPUT_INVALID',
      ],
      [
        'a delta that reads beyond',
        packOf([{ base: held.oid, delta: delta(held.body.length, 9, 0x91, 250, 9) }]),
        'INPUT_INVALID',
      ],
      ['a delta that is cut short', packOf([{ base: held.oid, delta: delta(held.body.length, 9, 9, 1) }]), 'INPUT_INVALID'],
      ['a delta of no instruction', packOf([{ base: held.oid, delta: delta(held.body.length, 9, 0) }]), 'INPUT_INVALID'],
    ];
    for (const [what, pack, code] of table) expect(await codeOf(read(pack, 1_000_000)), what).to.equal(code);
    expect(await codeOf(read(packOf([{ base: held.oid, delta: edit }])))).to.equal('none');
    expect(await codeOf(read(whole))).to.equal('none');
  });

  it('refuse deltas that wait for each other', async () => {
    const [a, b] = [blob('a'.repeat(200)), blob('b'.repeat(200))];
    const cycle = [
      { base: a.oid, delta: editDelta(held.body, held.body) ?? utf8('') },
      { base: b.oid, delta: editDelta(held.body, held.body) ?? utf8('') },
    ];
    expect(await codeOf(read(packOf(cycle)))).to.equal('INPUT_INVALID');
  });

  it('say how large a delta’s object gets before it is made', () => {
    expect(deltaSizes(delta(5, 300))).to.deep.equal({ base: 5, result: 300, at: delta(5, 300).length });
  });
});

/** Instructions behind the sizes of a base and a result. */
function delta(base: number, result: number, ...instructions: number[]): Uint8Array {
  const size = (value: number): number[] => (value < 128 ? [value] : [0x80 | (value % 128), ...size(Math.floor(value / 128))]);
  return Uint8Array.from([...size(base), ...size(result), ...instructions]);
}
