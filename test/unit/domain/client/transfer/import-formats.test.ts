import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { decodeBase64, encodeBase64 } from '../../../../../ports/grammar/base64.js';
import { detectFormat } from '../../../../../domain/client/transfer/import/detect.js';
import { ElementScanner } from '../../../../../domain/client/transfer/import/elements.js';
import { linesOf } from '../../../../../domain/client/transfer/import/lines.js';
import type { ImportSource } from '../../../../../domain/client/transfer/import/source.js';
import { utf8 } from '../../../../../domain/git/bytes.js';

/** A source that gives its text in pieces of a size. */
function source(text: string, size = 7): ImportSource {
  const bytes = utf8(text);
  const open = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };
  return { name: 'file', open, file: async () => ({ fault: 'none' }) };
}

async function scan(
  text: string,
  member: string | null,
  size: number,
): Promise<{ elements: string[]; lines: number[]; skeleton: unknown }> {
  const scanner = new ElementScanner(source(text, size), member);
  const all = [];
  for await (const some of scanner.run()) all.push(...some);
  return { elements: all.map(({ text: one }) => one ?? '?'), lines: all.map(({ line }) => line), skeleton: scanner.skeleton() };
}

async function refused(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'taken';
}

describe('base64 of the domain', () => {
  it('agrees with the platform on every length', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = randomBytes(length);
      const text = Buffer.from(encodeBase64(bytes)).toString('latin1');
      expect(text).to.equal(bytes.toString('base64'));
      expect(Buffer.from(decodeBase64(text) as Uint8Array).equals(bytes)).to.equal(true);
    }
  });
});

describe('ElementScanner', () => {
  const CONSUL = '[\n  {"key":"a]}{\\"[","v":[1,{"x":2}]},\n  {"key":"b\\\\"}\n]\n';
  const ETCD = '{"header":{"kvs":[{"no":1}]},"note":"kvs","kvs":[{"key":"x"},{"key":"y"}],"count":2}';

  for (const size of [1, 2, 3, 5, 1000]) {
    it(`cuts documents into elements, in pieces of ${size}`, async () => {
      const consul = await scan(CONSUL, null, size);
      expect(consul.elements).to.deep.equal(['{"key":"a]}{\\"[","v":[1,{"x":2}]}', '{"key":"b\\\\"}']);
      expect(consul.lines).to.deep.equal([2, 3]);
      expect(consul.skeleton).to.deep.equal([0, 0]);
      const etcd = await scan(ETCD, 'kvs', size);
      expect(etcd.elements).to.deep.equal(['{"key":"x"}', '{"key":"y"}']);
      expect(etcd.skeleton).to.deep.equal({ header: { kvs: [{ no: 1 }] }, note: 'kvs', kvs: [0, 0], count: 2 });
    });
  }

  it('refuses every document that was cut off anywhere', async () => {
    for (const [text, member] of [
      [CONSUL.trim(), null],
      [ETCD, 'kvs'],
    ] as const) {
      for (let end = 0; end < text.length; end++)
        expect(await refused(scan(text.slice(0, end), member, 4)), text.slice(0, end)).to.equal('INPUT_INVALID');
    }
  });

  it('refuses a missing comma, a second document and words between', async () => {
    for (const text of ['[{"a":1} {"b":2}]', '[{"a":1}][]', '[{"a":1},]', '[{"a":1}, oops]', '[{"a":1}}'])
      expect(await refused(scan(text, null, 4)), text).to.equal('INPUT_INVALID');
  });
});

describe('lines of an import', () => {
  for (const size of [1, 3, 1000]) {
    it(`are the same in pieces of ${size}`, async () => {
      const lines: string[] = [];
      for await (const some of linesOf(source('one\n\nthree\nfour', size)))
        lines.push(...some.map(({ line, bytes }) => `${line}:${Buffer.from(bytes)}`));
      expect(lines).to.deep.equal(['1:one', '2:', '3:three', '4:four']);
    });
  }
});

describe('detectFormat', () => {
  const CASES: readonly [string, string][] = [
    ['{"git-kv":"snapshot","v":1}\n', 'snapshot'],
    ['{"v":7,"git-kv":"snapshot"}\n', 'snapshot'],
    ['{"git-kv":"snapshot","v":', 'snapshot'],
    ['\n{"op":"set","key":"a","value":"x"}\n', 'batch'],
    ['\ufeff{"op":"del","key":"a"}', 'batch'],
    ['[\n]', 'consul'],
    ['{"header":{},"kvs":[]}', 'etcd'],
    ['{\n  "header": {\n', 'etcd'],
    ['', 'INPUT_INVALID'],
    ['hello', 'INPUT_INVALID'],
    ['{"key":"a","etag":"blake3:…","value":"x"}\n', 'INPUT_INVALID'],
  ];
  for (const [text, format] of CASES) {
    it(`${JSON.stringify(text.slice(0, 40))} is ${format}`, async () => {
      let found: string;
      try {
        found = await detectFormat(source(text));
      } catch (error) {
        found = (error as { code: string }).code;
      }
      expect(found).to.equal(format);
    });
  }
});
