import { expect } from 'chai';
import { checkedJson, JSON_CHECK_MAX, jsonFault, saysJson } from '../../../../../domain/client/write/value/json-check.js';
import { parseBatch } from '../../../../../domain/client/write/parse-batch.js';
import { utf8 } from '../../../../../domain/git/bytes.js';
import { all } from '../../../../support/all.js';
import { failure } from '../../../../support/failure.js';

const stream = async function* (...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
};
const streamed = (...parts: readonly Uint8Array[]): Promise<Uint8Array[]> => {
  const checked = checkedJson('k', { stream: stream(...parts) });
  return all((checked as { readonly stream: AsyncIterable<Uint8Array> }).stream);
};

describe('a value that is to be JSON', () => {
  it('is told by its content type', () => {
    for (const ctype of ['application/json', 'Application/JSON; charset=utf-8', 'application/ld+json'])
      expect(saysJson(ctype)).to.equal(true);
    for (const ctype of ['application/jsonl', 'text/plain', 'application/json-seq', 'text/plain; a=+json'])
      expect(saysJson(ctype)).to.equal(false);
  });

  it('parses, or is refused without being quoted', () => {
    for (const text of ['{}', '1', 'null', ' [1,{"a":"\\u0000"}]\n']) expect(jsonFault(utf8(text))).to.equal(undefined);
    for (const text of ['', '{"password":hunter2}', '{"a":1', 'hunter2'])
      expect(jsonFault(utf8(text)))
        .to.be.a('string')
        .and.not.contain('hunter');
    expect(jsonFault(Uint8Array.of(0x22, 0xff, 0x22))).to.contain('UTF-8');
    expect(() => checkedJson('k', utf8('{'))).to.throw('"k" is no JSON');
  });

  it('is looked at as it streams by, when all of it has come', async () => {
    expect(await streamed(utf8('{"a"'), utf8(':1}'))).to.have.length(2);
    await failure(streamed(utf8('{"a"'), utf8(':1')), 'INPUT_INVALID');
    expect(await streamed(new Uint8Array(JSON_CHECK_MAX), utf8('no JSON, and too large to be looked at'))).to.have.length(2);
  });

  it('is checked in a batch, where the line says that it is JSON', () => {
    const batch = ['{"value":"{}"}', '{"value":"{"}', '{"value_b64":"ew=="}'].map((text) =>
      JSON.stringify({ op: 'set', key: 'k', ctype: 'application/json', ...JSON.parse(text) }),
    );
    const { entries, faults } = parseBatch(utf8([...batch, '{"op":"set","key":"k","value":"{"}'].join('\n')), 0);
    expect([entries.map(({ line }) => line), faults.map(({ line }) => line)]).to.deep.equal([
      [1, 4],
      [2, 3],
    ]);
  });
});
