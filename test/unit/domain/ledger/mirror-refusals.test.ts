import { expect } from 'chai';
import { utf8 } from '../../../../domain/git/bytes.js';
import { decodeMirrorRefusals, encodeMirrorRefusals } from '../../../../domain/ledger/mirror-refusals.js';

const SINCE = '2026-01-02T03:04:05.678Z';
const REFUSAL = { since: SINCE, code: 'SYNC_REFUSED' };

describe('domain: the file that says what a mirror refuses', () => {
  const read = (document: unknown) => [...decodeMirrorRefusals(utf8(JSON.stringify(document)))];

  it('has the namespaces in order, whatever order they came in', () => {
    const refusals = new Map(['b', 'c', 'a'].map((ns) => [ns, REFUSAL]));
    const bytes = encodeMirrorRefusals(refusals);
    expect(Buffer.from(bytes).toString()).to.match(
      /^\{"v":1,"namespaces":\{"a":\{"since":"[^"]*","code":"SYNC_REFUSED"\},"b":.*,"c":.*\}\}$/,
    );
    expect([...decodeMirrorRefusals(bytes).keys()]).to.deep.equal(['a', 'b', 'c']);
  });

  it('says nothing where it is damaged, or of another version', () => {
    for (const text of ['', '{', 'null', '5', '[]']) expect([...decodeMirrorRefusals(utf8(text))], text).to.deep.equal([]);
    expect(read({ v: 2, namespaces: { main: REFUSAL } })).to.deep.equal([]);
    for (const namespaces of [undefined, null, 5]) expect(read({ v: 1, namespaces })).to.deep.equal([]);
    expect([...decodeMirrorRefusals(Uint8Array.of(0xff))]).to.deep.equal([]);
  });

  it('is read where an entry is sound, beside others that are none', () => {
    const broken = [null, 5, {}, { since: SINCE }, { code: 'GIT_ERROR' }];
    const odd = [
      { ...REFUSAL, since: 5 },
      { ...REFUSAL, since: 'yesterday' },
      { ...REFUSAL, since: [SINCE] },
      { ...REFUSAL, code: 5 },
      { ...REFUSAL, code: 'not a code' },
      { ...REFUSAL, code: ['GIT_ERROR'] },
    ];
    const namespaces = Object.fromEntries([...broken, ...odd].map((entry, i) => [`ns${i}`, entry]));
    expect(read({ v: 1, namespaces: { ...namespaces, main: REFUSAL } })).to.deep.equal([['main', REFUSAL]]);
  });
});
