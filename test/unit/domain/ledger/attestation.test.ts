import { expect } from 'chai';
import {
  type LedgerTrailers,
  parseIndexMessage,
  parseLedgerMessage,
  renderIndexMessage,
  renderLedgerMessage,
} from '../../../../domain/ledger/transaction/attestation.js';
import { decodeCommit, encodeCommit } from '../../../../domain/git/commit.js';
import { utf8 } from '../../../../domain/git/bytes.js';

const TRAILERS: LedgerTrailers = {
  ns: 'main',
  txn: '01KDYF0000ABCDEFGHJKMNPQRS',
  baseTree: 'a'.repeat(40),
  indexTree: 'b'.repeat(40),
  chunksTree: null,
  epoch: '2026Q1',
  keysSet: 3,
  keysDel: 0,
  parentEpoch: null,
  parentLedger: null,
  repository: null,
  intent: null,
};
const GOOD = renderLedgerMessage('kv: set three', TRAILERS);

describe('attestation', () => {
  it('is read back as written, also behind a body and beside foreign trailers', () => {
    expect(parseLedgerMessage(GOOD, 'c')).to.deep.equal(TRAILERS);
    expect(parseLedgerMessage(GOOD.replace('\n\n', '\n\nWhy: because\n\nmore\n\n'), 'c')).to.deep.equal(TRAILERS);
    expect(parseLedgerMessage(`${GOOD}Signed-off-by: Ada <ada@example.org>\n`, 'c')).to.deep.equal(TRAILERS);
    const rolled = { ...TRAILERS, parentEpoch: '2025Q4', parentLedger: 'c'.repeat(40) };
    expect(parseLedgerMessage(renderLedgerMessage('x', rolled), 'c')).to.deep.equal(rolled);
  });

  const bad: [string, string][] = [
    ['a missing trailer', GOOD.replace(/^KV-Txn: .*\n/m, '')],
    ['a trailer twice', GOOD.replace('Epoch:', 'Epoch: 2025Q1\nEpoch:')],
    ['a trailer twice, the second in lower case', GOOD.replace('Epoch:', 'epoch: 2025Q1\nEpoch:')],
    ['a folded trailer', GOOD.replace('KV-NS: main', 'KV-NS: ma\n in')],
    ['a trailer in the body too', GOOD.replace('\n\n', '\n\nKV-NS: other\n\n')],
    ['a trailer as its subject', GOOD.replace('kv: set three', 'Keys-Set: 9')],
    ['text among the trailers', GOOD.replace('Epoch:', 'free text\nEpoch:')],
    ['an empty value', GOOD.replace('KV-NS: main', 'KV-NS: ')],
    ['a count with a sign', GOOD.replace('Keys-Set: 3', 'Keys-Set: +3')],
    ['a count with a leading zero', GOOD.replace('Keys-Set: 3', 'Keys-Set: 03')],
    ['a paragraph behind the trailers', `${GOOD}\nmore\n`],
    ['a trailer of the index', `${GOOD}KV-Ledger-Tree: ${'d'.repeat(40)}\n`],
    ['carriage returns', GOOD.replace(/\n/g, '\r\n')],
    ['nothing', ''],
  ];
  for (const [what, message] of bad) {
    it(`refuses a ledger message with ${what}`, () => {
      expect(() => parseLedgerMessage(message, 'c'))
        .to.throw()
        .with.property('code', 'ATTESTATION_MISMATCH');
    });
  }

  it('refuses a ledger message as an index message, and the other way round', () => {
    const index = renderIndexMessage({ ns: 'main', txn: TRAILERS.txn, ledgerTree: 'e'.repeat(40) });
    expect(parseIndexMessage(index, 'c')).to.deep.equal({ ns: 'main', txn: TRAILERS.txn, ledgerTree: 'e'.repeat(40) });
    expect(() => parseIndexMessage(GOOD, 'c')).to.throw('does not belong here');
    expect(() => parseLedgerMessage(index, 'c')).to.throw('does not belong here');
  });
});

describe('commit objects', () => {
  const ident = 'Ada <ada@example.org> 1767323045 +0000';
  const commit = {
    tree: 'a'.repeat(40),
    parents: ['b'.repeat(40)],
    author: ident,
    committer: ident,
    signature: '-----BEGIN X-----\nabc\n-----END X-----',
    message: GOOD,
  };
  for (const format of ['sha1', 'sha256'] as const) {
    it(`are read back as written (${format})`, () => {
      expect(decodeCommit(encodeCommit(commit, format), 'c', format)).to.deep.equal(commit);
    });
  }

  const text = (change: (body: string) => string): Uint8Array =>
    utf8(change(new TextDecoder().decode(encodeCommit(commit, 'sha1'))));
  const bad: [string, Uint8Array][] = [
    ['an encoding header', text((body) => body.replace('\n\n', '\nencoding latin1\n\n'))],
    ['a merge tag', text((body) => body.replace('\n\n', '\nmergetag object x\n\n'))],
    ['two trees', text((body) => `tree ${'c'.repeat(40)}\n${body}`)],
    ['two signatures', text((body) => body.replace('\n\n', '\ngpgsig other\n\n'))],
    ['the signature of another object format', text((body) => body.replace('gpgsig', 'gpgsig-sha256'))],
    ['no committer', text((body) => body.replace(/committer .*\n/, ''))],
    ['a NUL', text((body) => `${body}\0`)],
    ['bytes that are not UTF-8', Uint8Array.from([...encodeCommit(commit, 'sha1'), 0xff])],
  ];
  for (const [what, body] of bad) {
    it(`are refused with ${what}`, () => {
      expect(() => decodeCommit(body, 'c', 'sha1'))
        .to.throw()
        .with.property('code', 'ATTESTATION_MISMATCH');
    });
  }
});
