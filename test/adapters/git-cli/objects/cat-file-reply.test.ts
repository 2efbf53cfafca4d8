import { expect } from 'chai';
import { HEADER_REPLY, OBJECT_REPLY, ReplyParser } from '../../../../adapters/git-cli/objects/cat-file-reply.js';
import { KvError } from '../../../../ports/error.js';

const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(40)) as [string, string, string, string];

interface Case {
  readonly asked: string;
  readonly reply: string;
  readonly found: string | null;
}

const BODIES: readonly Case[] = [
  { asked: A, reply: `${A} blob 5\none\n!\n`, found: `${A} blob one\n!` },
  { asked: B, reply: `${B} missing\n`, found: null },
  { asked: C, reply: `${C} tree 0\n\n`, found: `${C} tree ` },
  { asked: `${A}:a b`, reply: `${D} tag 3\nabc\n`, found: `${D} tag abc` },
  { asked: `${A}:none`, reply: `${A}:none missing\n`, found: null },
  { asked: `${A}:sub`, reply: `${B} submodule\n`, found: null },
  { asked: D, reply: `${D} commit 40000\n${'x'.repeat(40_000)}\n`, found: `${D} commit ${'x'.repeat(40_000)}` },
  { asked: A, reply: `${A} blob 1\n\n\n`, found: `${A} blob \n` },
];

function parse(bytes: Buffer, size: number, cases: readonly Case[]): (string | null)[] {
  const found: (string | null)[] = [];
  const parser = new ReplyParser(
    OBJECT_REPLY,
    (object) => found.push(object && `${object.oid} ${object.type} ${Buffer.from(object.body).toString()}`),
    undefined,
    () => cases[found.length]?.asked ?? '',
  );
  for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size));
  return found;
}

describe('what git cat-file answers', () => {
  const whole = Buffer.from(BODIES.map(({ reply }) => reply).join(''));

  for (const size of [1, 2, 7, 41, 47, 64, 1000, 1 << 20]) {
    it(`is cut into objects, read ${size} bytes at a time`, () => {
      expect(parse(whole, size, BODIES)).to.deep.equal(BODIES.map(({ found }) => found));
      const nobodyAsked = BODIES.map((each) => ({ ...each, asked: '' }));
      expect(parse(whole, size, nobodyAsked)).to.deep.equal(BODIES.map(({ found }) => found));
    });
  }

  it('is cut into headers, which have the very ids that were asked for', () => {
    const asked = [A, B, C];
    const found: unknown[] = [];
    const parser = new ReplyParser(
      HEADER_REPLY,
      (header) => found.push(header),
      undefined,
      () => asked[found.length] ?? '',
    );
    parser.push(Buffer.from(`${A} blob 12\n${B} missing\n${C} tree 123456789012\n`));
    expect(found).to.deep.equal([{ oid: A, type: 'blob', size: 12 }, null, { oid: C, type: 'tree', size: 123_456_789_012 }]);
  });

  it('is refused where it is none', () => {
    for (const reply of [`${A} blot 5\n`, `${A} blob -1\n`, `${A} blob \n`, `${A}  blob 1\n`, `${A} bl 1\n`, 'fatal\n']) {
      const parser = new ReplyParser(
        OBJECT_REPLY,
        () => undefined,
        undefined,
        () => A,
      );
      expect(() => parser.push(Buffer.from(reply)), reply).to.throw(KvError, 'git cat-file answered');
    }
  });
});
