import { expect } from 'chai';
import { fixedChunker } from '../../adapters/chunker-fixed/open.js';
import { chunkerContract } from '../contracts/chunker.js';

chunkerContract('chunker-fixed', async () => fixedChunker(512));

describe('chunker-fixed', () => {
  it('cuts every size bytes', async () => {
    const sizes: number[] = [];
    for await (const chunk of fixedChunker(4).chunks([Buffer.alloc(3), Buffer.alloc(6), Buffer.alloc(1)]))
      sizes.push(chunk.length);
    expect(sizes).to.deep.equal([4, 4, 2]);
  });

  it('refuses a size that is none', () => {
    for (const size of [0, -1, 1.5, Number.NaN]) expect(() => fixedChunker(size)).to.throw('chunk size');
  });
});
