import { expect } from 'chai';
import type { Chunker } from '../../ports/index.js';
import { sampleInputs, seededNumber } from './samples.js';

async function cut(chunker: Chunker, input: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  // No copy: a chunk stays good after the next one was asked for.
  for await (const chunk of chunker.chunks(input)) chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  return chunks;
}

/** The longest chunk the spec allows. */
function longest(chunker: Chunker): number {
  return chunker.spec.mode === 'fixed' ? chunker.spec.size : chunker.spec.max;
}

/** What every chunker does. `factory` makes one whose chunks are small, so that a few kilobytes are many. */
export function chunkerContract(name: string, factory: () => Promise<Chunker>): void {
  describe(`chunker contract: ${name}`, () => {
    let chunker: Chunker;
    beforeEach(async () => {
      chunker = await factory();
    });

    it('cuts nothing into nothing', async () => {
      expect(await cut(chunker, [])).to.deep.equal([]);
      expect(await cut(chunker, [new Uint8Array(0), new Uint8Array(0)])).to.deep.equal([]);
    });

    it('loses and adds nothing, gives no empty chunk, none above the maximum', async () => {
      for (const bytes of sampleInputs(60, 20_000)) {
        const chunks = await cut(chunker, [bytes]);
        expect(Buffer.concat(chunks).equals(bytes)).to.equal(true);
        for (const chunk of chunks) expect(chunk.length).to.be.within(1, longest(chunker));
      }
    });

    it('cuts at the same places however the input comes', async () => {
      for (const [number, bytes] of sampleInputs(60, 8000).entries()) {
        const pieces: Uint8Array[] = [];
        let at = 0;
        for (let piece = 0; piece < number % 13; piece++) {
          const size = seededNumber(`piece ${number} ${piece}`, piece % 4 === 0 ? 3 : 4000);
          pieces.push(bytes.subarray(at, at + size));
          at = Math.min(bytes.length, at + size);
        }
        pieces.push(bytes.subarray(at));
        const whole = (await cut(chunker, [bytes])).map((chunk) => chunk.toString('hex'));
        const split = (await cut(chunker, pieces)).map((chunk) => chunk.toString('hex'));
        expect(split).to.deep.equal(whole);
      }
    });

    it('takes an asynchronous input, and runs twice at a time', async () => {
      const bytes = Buffer.alloc(10_000, 7);
      async function* slowly(): AsyncIterable<Uint8Array> {
        for (let at = 0; at < bytes.length; at += 777) yield bytes.subarray(at, at + 777);
      }
      const [one, two] = await Promise.all([cut(chunker, slowly()), cut(chunker, slowly())]);
      expect(one).to.deep.equal(await cut(chunker, [bytes]));
      expect(two).to.deep.equal(one);
    });

    it('passes a failure of its input on', async () => {
      async function* failing(): AsyncIterable<Uint8Array> {
        yield Buffer.alloc(10);
        throw new Error('the disk');
      }
      let caught: unknown;
      await cut(chunker, failing()).catch((error: unknown) => {
        caught = error;
      });
      expect(caught).to.be.an('error').with.property('message', 'the disk');
    });
  });
}
