import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { replaceFile } from '../../apps/replace-file.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';

describe('a small file that is replaced', () => {
  let folder: Temporary;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('by several at once has what the last one wrote, whole, and no draft is left', async () => {
    const dir = folder.path;
    const file = join(dir, 'peers.json');
    for (let turn = 0; turn < 5; turn++) {
      const texts = Array.from({ length: 6 }, (_, at) => `${turn} ${at}`.repeat(100));
      await Promise.all(texts.map((text) => replaceFile(file, text)));
      expect(readFileSync(file, 'utf8')).to.equal(texts.at(-1));
      expect(readdirSync(dir)).to.deep.equal(['peers.json']);
    }
  });

  it('is replaced by whoever comes after one who could not', async () => {
    const dir = folder.path;
    const file = join(dir, 'peers.json');
    const [first, second] = [replaceFile(join(dir, 'nowhere', 'x'), 'a'), replaceFile(join(dir, 'nowhere', 'x'), 'b')];
    const failed = await Promise.allSettled([first, second, replaceFile(file, 'c')]);
    expect(failed.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected', 'fulfilled']);
    expect(readFileSync(file, 'utf8')).to.equal('c');
  });
});
