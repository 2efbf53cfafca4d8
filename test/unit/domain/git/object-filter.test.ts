import { expect } from 'chai';
import { readFilter } from '../../../../domain/git/wire/object-filter.js';
import { thrownBy } from '../../../contracts/mirror-target.js';

describe('filters of partial clones', () => {
  it('are read as git writes them, and together leave out what either leaves out', () => {
    const table: Record<string, [number | null, number | null]> = {
      'blob:none': [0, null],
      'blob:limit=0': [0, null],
      'blob:limit=2k': [2048, null],
      'blob:limit=3g': [3 * 1024 ** 3, null],
      'tree:0': [null, 0],
      'combine:tree:4+blob:limit=10': [10, 4],
      'combine:blob%3Alimit=10+blob:none+tree:2+tree:1': [0, 1],
    };
    for (const [text, [blobLimit, treeDepth]] of Object.entries(table))
      expect(readFilter(text), text).to.deep.equal({ blobLimit, treeDepth });
  });

  it('are refused where they are none, or ask for what is not served', async () => {
    const bad = [
      '',
      'blob',
      'blob:limit=',
      'blob:limit=-1',
      'blob:limit=1t',
      'tree:',
      'tree:x',
      'sparse:oid=main',
      'object:type=blob',
    ];
    bad.push(
      'combine:',
      'combine:tree:1+',
      'combine:combine:tree:1',
      'combine:%',
      `combine:${Array(17).fill('tree:1').join('+')}`,
    );
    for (const text of bad) {
      const { code, message } = await thrownBy((async () => readFilter(text))());
      expect([code, message.includes('is not served here')], text).to.deep.equal(['INPUT_INVALID', true]);
    }
    const { message } = await thrownBy((async () => readFilter('\u001b[2J\n'))());
    expect(message).to.match(/^[ -~]+$/);
  });
});
