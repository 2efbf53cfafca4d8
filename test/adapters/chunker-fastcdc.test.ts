import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { validateSync } from 'class-validator';
import fc from 'fast-check';
import { gearTable } from '../../adapters/chunker-fastcdc/gear.js';
import { Config, fastCdcChunker, open } from '../../adapters/chunker-fastcdc/open.js';
import { type FastCdcParameters, masks } from '../../adapters/chunker-fastcdc/parameters.js';
import type { AdapterContext } from '../../ports/index.js';
import { chunkerContract } from '../contracts/chunker.js';
import { GEAR, MASKS, referenceChunks } from '../reference/fastcdc.js';
import { seededBytes } from '../reference/seeded-bytes.js';

const SMALL: FastCdcParameters = { min: 64, avg: 256, max: 1024, nc: 1, seed: 0n };
const KIB = 1024;

async function lengths(parameters: Partial<FastCdcParameters>, input: Iterable<Uint8Array>): Promise<number[]> {
  const found: number[] = [];
  for await (const chunk of fastCdcChunker(parameters).chunks(input)) found.push(chunk.length);
  return found;
}

chunkerContract('chunker-fastcdc', async () => fastCdcChunker(SMALL));

describe('chunker-fastcdc', () => {
  it("has the paper's defaults in the configuration, and in the spec that a manifest names", async () => {
    const chunker = await open(new Config(), {} as AdapterContext);
    expect(chunker.spec).to.deep.equal({ mode: 'fastcdc', min: 65_536, avg: 262_144, max: 1_048_576, nc: 1 });
    expect(validateSync(new Config())).to.deep.equal([]);
    expect(validateSync(Object.assign(new Config(), { min: 63, nc: 4 })).map((error) => error.property)).to.deep.equal([
      'min',
      'nc',
    ]);
  });

  for (const [what, parameters] of Object.entries({
    'min 63': { min: 63 },
    'min 64.5': { min: 64.5 },
    'avg 255': { avg: 255, min: 64 },
    'avg NaN': { avg: Number.NaN },
    'max 1023': { max: 1023, avg: 256, min: 64 },
    'max 16777217': { max: 16 * KIB * KIB + 1 },
    'nc 4': { nc: 4 },
    'nc -1': { nc: -1 },
    'min 65536, avg 4096': { avg: 4096 },
    'seed -1': { seed: -1n },
    'seed 18446744073709551616': { seed: 1n << 64n },
  })) {
    it(`refuses ${what}`, () => {
      expect(() => fastCdcChunker(parameters))
        .to.throw(what)
        .with.property('code', 'CONFIG_INVALID');
    });
  }

  it('has the gear table and the masks of the reference, at every level', () => {
    expect(gearTable(0n)).to.deep.equal(GEAR);
    for (let bits = 8; bits <= 22; bits += 1) {
      for (const nc of [0, 1, 2, 3]) {
        expect(masks({ ...SMALL, avg: 2 ** bits, nc })).to.deep.equal({ before: MASKS[bits + nc], after: MASKS[bits - nc] });
      }
    }
  });

  it('cuts where the reference does, for any parameters, bytes and splits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          sizes: fc.tuple(
            fc.integer({ min: 64, max: 800 }),
            fc.integer({ min: 0, max: 1500 }),
            fc.integer({ min: 0, max: 3000 }),
          ),
          nc: fc.integer({ min: 0, max: 3 }),
          seed: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
        }),
        fc.record({ seed: fc.nat(), size: fc.nat(30_000), values: fc.constantFrom(1, 2, 3, 16, 256, 256, 256, 256) }),
        fc.array(fc.oneof(fc.nat(3), fc.nat(9000)), { minLength: 1, maxLength: 8 }),
        async ({ sizes: [min, more, yetMore], nc, seed }, input, pieces) => {
          const avg = Math.max(256, min + more);
          const parameters = { min, avg, max: Math.max(1024, avg + yetMore), nc, seed };
          const bytes = seededBytes(input.seed, input.size).map((byte) => byte % input.values);
          const expected = referenceChunks(bytes, parameters).map((chunk) => chunk.length);
          expect(await lengths(parameters, split(bytes, pieces))).to.deep.equal(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('cuts large input where the reference does, with the default parameters', async () => {
    const bytes = seededBytes(1, 4 * KIB * KIB);
    const all = { min: 64 * KIB, avg: 256 * KIB, max: 1024 * KIB, nc: 1, seed: 0n };
    expect(await lengths({}, split(bytes, [64 * KIB, 1, 3 * KIB * KIB]))).to.deep.equal(
      referenceChunks(bytes, all).map((chunk) => chunk.length),
    );
  });

  it('gives chunks that stay as they are, and starts afresh after a stream that ended or was left', async () => {
    const chunker = fastCdcChunker(SMALL);
    const bytes = seededBytes(2, 5000);
    for await (const _ of chunker.chunks([bytes.subarray(100)])) break;
    for await (const _ of chunker.chunks([Buffer.alloc(1000)])); // scanned to its end, without a cut
    const kept: Uint8Array[] = [];
    for await (const chunk of chunker.chunks([bytes])) kept.push(chunk);
    for await (const _ of chunker.chunks([Buffer.alloc(5000, 1)]));
    expect(Buffer.concat(kept).equals(bytes)).to.equal(true);
    expect(kept.map((chunk) => chunk.length)).to.deep.equal(referenceChunks(bytes, SMALL).map((chunk) => chunk.length));
  });

  it('does not wait for the next piece when the chunk is whole', async () => {
    let asked = 0;
    function* pieces(): Iterable<Uint8Array> {
      for (;;) {
        asked += 1;
        yield new Uint8Array(512);
      }
    }
    for await (const chunk of fastCdcChunker(SMALL).chunks(pieces())) {
      expect(chunk.length).to.equal(1024);
      break;
    }
    expect(asked).to.equal(2);
  });
});

function* split(bytes: Uint8Array, pieces: readonly number[]): Iterable<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    // A nought is an empty piece; one byte more in the last of each round, so that it ends.
    const size = (pieces[turn % pieces.length] as number) + (turn % pieces.length === pieces.length - 1 ? 1 : 0);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

describe('chunker-fastcdc, published cut points', () => {
  const folder = new URL('../../../../shared/data/', import.meta.url);
  const file = fileURLToPath(new URL('fastcdc-vectors.json', folder));
  if (!existsSync(file)) {
    console.log('      skipped: ../shared/data/fastcdc-vectors.json is not there');
    return;
  }
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as {
    masks: string[];
    cases: { min: number; avg: number; max: number; nc: number; seed: number; lengths: number[]; hashes?: string[] }[];
  };
  const image = readFileSync(new URL('SekienAkashita.jpg', folder));

  it('come with the masks that the reference has', () => {
    expect(vectors.masks.map(BigInt)).to.deep.equal(MASKS);
  });

  for (const { lengths: expected, hashes, seed, ...sizes } of vectors.cases) {
    it(`min ${sizes.min}, avg ${sizes.avg}, max ${sizes.max}, level ${sizes.nc}, seed ${seed}`, async () => {
      const parameters = { ...sizes, seed: BigInt(seed) };
      expect(await lengths(parameters, [image])).to.deep.equal(expected);
      const reference = referenceChunks(image, parameters);
      expect(reference.map((chunk) => chunk.length)).to.deep.equal(expected);
      if (hashes !== undefined) expect(reference.map((chunk) => `${chunk.hash}`)).to.deep.equal(hashes);
    });
  }
});

/** Cut points, frozen: a vector that changes is a change of the format. `GIT_KV_WRITE_GOLDEN=1` writes the file anew. */
describe('chunker-fastcdc, golden vectors', () => {
  const file = new URL('../../../test/golden/fastcdc.json', import.meta.url);
  const cases = [
    { min: 65_536, avg: 262_144, max: 1_048_576, nc: 1, seed: 0, input: { seed: 10, size: 12 * KIB * KIB } },
    { min: 1_048_576, avg: 4_194_304, max: 16_777_216, nc: 3, seed: 0, input: { seed: 11, size: 24 * KIB * KIB } },
    ...[0, 1, 2, 3].map((nc) => ({ min: 4096, avg: 16_384, max: 65_535, nc, seed: 0, input: { seed: 12, size: 400_001 } })),
    { min: 4096, avg: 16_384, max: 65_535, nc: 1, seed: 666, input: { seed: 12, size: 400_001 } },
    { min: 64, avg: 256, max: 1024, nc: 3, seed: 0, input: { seed: 13, size: 8191 } },
    { min: 101, avg: 333, max: 1025, nc: 2, seed: 0, input: { seed: 13, size: 8191 } },
  ];

  it('are reproduced', async () => {
    const made: unknown[] = [];
    for (const { seed, input, ...sizes } of cases) {
      const cut = await lengths({ ...sizes, seed: BigInt(seed) }, [seededBytes(input.seed, input.size)]);
      made.push({ ...sizes, seed, input, lengths: cut.join(' ') });
    }
    if (process.env['GIT_KV_WRITE_GOLDEN'] === '1') writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`);
    expect(made).to.deep.equal(JSON.parse(readFileSync(file, 'utf8')));
  });
});
