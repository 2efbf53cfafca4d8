import { expect } from 'chai';
import { isKvRef, refSnapshot } from '../../../../domain/gateway/ref-snapshot.js';
import { concat, decodeLoose, utf8 } from '../../../../domain/git/bytes.js';
import { encodePkt, FLUSH_PKT } from '../../../../ports/grammar/git-words/pkt-line.js';
import { ReadAnswers } from '../../../../domain/git/wire/read-answers.js';
import { ReadRequests } from '../../../../domain/git/wire/read-requests.js';
import { advertisedRefs, withRefs } from '../../../../domain/git/wire/ref-advertisement.js';
import type { Oid, RefName } from '../../../../ports/vocabulary.js';
import { memory } from '../../../support/memory/memory.js';

const oid = (n: number): Oid => n.toString(16).padStart(40, '0');
const [LEDGER, INDEX, CHUNKS, MAIN] = ['refs/kv/main', 'refs/kv-index/main', 'refs/kv-chunks/main@a', 'refs/heads/main'];
const refs = (...pairs: [RefName, number][]): Map<RefName, Oid> => new Map(pairs.map(([ref, n]) => [ref, oid(n)]));
const framed = (...lines: string[]): Uint8Array => concat([...lines.map((line) => encodePkt(line)), FLUSH_PKT]);

/** What comes out at the client, with all kv refs of every list as `snapshot` has them; `step` bytes at a time. */
function relayed(requests: Uint8Array, answers: Uint8Array, snapshot: ReadonlyMap<RefName, Oid>, step: number): Uint8Array {
  const asked = new ReadRequests();
  for (let at = 0; at < requests.length; at += step) asked.push(requests.subarray(at, at + step));
  const reader = new ReadAnswers(asked);
  const out: Uint8Array[] = [];
  for (let at = 0; at < answers.length; at += step)
    for (const piece of reader.push(answers.subarray(at, at + step)))
      out.push(piece.kind === 'bytes' ? piece.bytes : withRefs(piece.list, isKvRef, snapshot));
  return concat([...out, reader.rest()]);
}

const V2 = framed('version 2\n', 'agent=git\n', 'ls-refs=unborn\n');
const lsRefs = (...prefixes: string[]): Uint8Array =>
  concat([encodePkt('command=ls-refs\n'), utf8('0001'), framed('peel\n', ...prefixes.map((one) => `ref-prefix ${one}\n`))]);
const fetching = concat([encodePkt('command=fetch\n'), utf8('0001'), framed(`want ${oid(2)}\n`, 'done\n')]);
const pack = concat([encodePkt('packfile\n'), encodePkt(`\x01${'PACK 0000 0001 '.repeat(50)}`), FLUSH_PKT]);

describe('domain: the list of refs that a client is given', () => {
  const now = refs([LEDGER, 2], [INDEX, 2]);

  for (const step of [1, 3, 64, 100_000]) {
    it(`is put right in protocol v2, between requests that pass as they are (${step} bytes at a time)`, () => {
      const list = (index: number): Uint8Array =>
        framed(`${oid(7)} ${MAIN}\n`, `${oid(index)} ${INDEX}\n`, `${oid(2)} ${LEDGER}\n`);
      const said = concat([V2, list(1), pack, list(1), pack]);
      const out = relayed(concat([lsRefs('refs/'), fetching, lsRefs(), fetching, FLUSH_PKT]), said, now, step);
      expect(decodeLoose(out)).to.equal(decodeLoose(concat([V2, list(2), pack, list(2), pack])));
    });

    it(`is put right in protocol v0 and v1, and what follows passes (${step} bytes at a time)`, () => {
      const list = (first: string, index: number): Uint8Array =>
        framed(
          `${oid(7)} HEAD\0multi_ack agent=git\n`,
          `${oid(7)} ${MAIN}\n`,
          `${oid(index)} ${INDEX}\n`,
          `${oid(2)} ${first}\n`,
        );
      const rest = concat([encodePkt('NAK\n'), utf8('PACK0000garbage'), FLUSH_PKT]);
      const wants = concat([encodePkt(`want ${oid(2)}\n`), FLUSH_PKT, encodePkt('done\n')]);
      for (const version of ['', decodeLoose(encodePkt('version 1\n'))]) {
        const out = relayed(wants, concat([utf8(version), list(LEDGER, 1), rest]), now, step);
        expect(decodeLoose(out)).to.equal(version + decodeLoose(concat([list(LEDGER, 2), rest])));
      }
    });
  }

  it('tells of a ref that has come, where it was asked for, and of none that has gone', () => {
    const said = concat([V2, framed(`${oid(1)} ${LEDGER}\n`, `${oid(1)} ${CHUNKS}\n`)]);
    const out = (prefix: string): string => decodeLoose(relayed(lsRefs(prefix), said, now, 1000)).slice(V2.length);
    expect(out('refs/kv')).to.equal(decodeLoose(framed(`${oid(2)} ${LEDGER}\n`, `${oid(2)} ${INDEX}\n`)));
    expect(out('refs/kv/')).to.equal(decodeLoose(framed(`${oid(2)} ${LEDGER}\n`)));
  });

  it('keeps its capabilities when the first ref of protocol v0 is gone, and stays as it is where it has none', () => {
    const one = framed(`${oid(1)} ${CHUNKS}\0caps\n`, `${oid(1)} ${INDEX}\n`);
    expect(decodeLoose(relayed(FLUSH_PKT, one, refs([INDEX, 2]), 1000))).to.equal(
      decodeLoose(framed(`${oid(2)} ${INDEX}\0caps\n`)),
    );
    const none = framed(`${oid(0)} capabilities^{}\0caps\n`);
    expect(decodeLoose(relayed(FLUSH_PKT, none, now, 1000))).to.equal(decodeLoose(none));
  });

  it('passes as it came where it can not be followed, or comes to no end', () => {
    for (const odd of ['zzzz what', `${decodeLoose(V2)}003fERR`, '0003', `${decodeLoose(encodePkt(`${oid(1)} ${LEDGER}\0x`))}00`])
      for (const step of [1, 1000]) expect(decodeLoose(relayed(lsRefs(), utf8(odd), now, step))).to.equal(odd);
  });
});

describe('domain: a snapshot of the refs of namespaces', () => {
  /** A store whose refs are, at each look, those of the next round; the last one stays. */
  const moving = (...rounds: ReadonlyMap<RefName, Oid>[]) => {
    const { store } = memory();
    let looks = 0;
    store.refs = async () => new Map(rounds[Math.min(looks++, rounds.length - 1)]);
    return { store, looks: () => looks };
  };
  const [old, torn, next] = [refs([LEDGER, 1], [INDEX, 1]), refs([LEDGER, 2], [INDEX, 1]), refs([LEDGER, 2], [INDEX, 2])];
  const asked = (): boolean => true;

  it('is what was seen where nothing has moved since, after one look', async () => {
    const { store, looks } = moving(old);
    expect([await refSnapshot(store, old, asked), looks()]).to.deep.equal([null, 1]);
  });

  it('is what two looks in a row have seen', async () => {
    const { store, looks } = moving(torn, next, next);
    expect([await refSnapshot(store, torn, () => true), looks()]).to.deep.equal([null, 1]);
    const again = moving(next);
    expect(await refSnapshot(again.store, torn, asked)).to.deep.equal(next);
    expect(again.looks()).to.equal(2);
    const grown = moving(old);
    expect([await refSnapshot(grown.store, refs([LEDGER, 1]), asked), grown.looks()], 'one has come').to.deep.equal([old, 2]);
    const further = moving(torn, next, next);
    expect([await refSnapshot(further.store, old, asked), further.looks()]).to.deep.equal([next, 3]);
  });

  it('looks at what was asked for alone, and does not look for ever', async () => {
    const seen = advertisedRefs({ lines: [utf8(`${oid(1)} ${LEDGER}\n`)], prefixes: ['refs/kv/'] }, isKvRef);
    const { store } = moving(refs([LEDGER, 1], [INDEX, 9]));
    expect(await refSnapshot(store, seen, (ref) => ref.startsWith('refs/kv/'))).to.equal(null);
    let n = 0;
    store.refs = async () => refs([LEDGER, ++n]);
    expect(await refSnapshot(store, old, asked)).to.deep.equal(refs([LEDGER, 20]));
  });
});
