import { expect } from 'chai';
import { messageFlag } from '../../../apps/cli/parse/message.js';
import { looksLikePath, pairsRefused } from '../../../apps/cli/parse/value-argument.js';
import { messageBody, parseLedgerMessage, renderLedgerMessage } from '../../../domain/ledger/transaction/attestation.js';
import { KvError } from '../../../ports/error.js';

describe('the VALUE of set', () => {
  const PATHS = ['./x', '../x', '/x', '~/x', '~ada/x', '/etc/a b', 'dir/x', 'a/b/c.json', 'src/.hidden', 'v1.2/x'];
  for (const text of PATHS) it(`may be a path: ${text}`, () => expect(looksLikePath(text)).to.equal(true));

  const TEXTS = [
    'on',
    '/',
    '//',
    '.',
    '..',
    'a b/c d',
    'https://a.example/b',
    '{"a":"b/c"}',
    '<a/>',
    'x.png',
    '~',
    '*/5 * * * *',
  ];
  for (const text of [...TEXTS, 'docker.io/library/nginx:1.25', 'see docs/a.md', '/a\nb', 'text/plain; charset=utf-8'])
    it(`is text: ${JSON.stringify(text)}`, () => expect(looksLikePath(text)).to.equal(false));

  it('is no KEY=VALUE pair', () => {
    expect(pairsRefused(['A=1', 'B=2'])?.hint)
      .to.contain('git kv set A 1')
      .and.to.contain('mset');
    expect(pairsRefused(['A=1'])?.hint).to.contain('git kv set A 1');
    expect(pairsRefused(["A=it's"])?.hint).to.contain("git kv set A 'it'\\''s'");
    for (const args of [['A', 'B=2'], ['A=1', 'b'], ['cfg:a', 'on'], ['']]) expect(pairsRefused(args)).to.equal(undefined);
  });
});

describe('--message', () => {
  const trailers = {
    ...{
      ns: 'main',
      txn: '01K8ZVM3M0QJ3T0S6V9Q3D5N7R',
      baseTree: null,
      indexTree: 'a'.repeat(40),
      chunksTree: null,
      epoch: '2026Q4',
    },
    ...{ keysSet: 1, keysDel: 0, parentEpoch: null, parentLedger: null, repository: null, intent: null },
  };

  it('is paragraphs, each of one or more lines', () => {
    expect(messageFlag(undefined)).to.equal(undefined);
    const message = messageFlag(['first \r\nsecond', '\nbecause\n\n\nof it\n']) ?? '';
    expect(message).to.equal('first\nsecond\n\nbecause\n\nof it');
    const rendered = renderLedgerMessage(message, trailers);
    expect(parseLedgerMessage(rendered, 'c')).to.deep.equal(trailers);
    expect(messageBody(rendered)).to.equal('second\n\nbecause\n\nof it');
    expect(messageBody(renderLedgerMessage('one line', trailers))).to.equal('');
  });

  for (const [texts, why] of [
    [['', '  \n'], /some text/],
    [['fine', 'kv-txn: mine'], /begins with kv-txn:/],
  ] as const) {
    it(`is refused: ${JSON.stringify(texts)}`, () => {
      expect(() => messageFlag(texts))
        .to.throw(KvError, why)
        .with.property('code', 'USAGE');
    });
  }
});
