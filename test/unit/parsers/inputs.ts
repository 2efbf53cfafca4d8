import fc from 'fast-check';

/** What parsers stumble over, to be put anywhere. */
const SPICE = [
  ...[
    '\0',
    '\n',
    '\r',
    '\t',
    ' ',
    '  ',
    '\n\n',
    '\n ',
    '"',
    "'",
    '\\',
    '/',
    '..',
    '-',
    '--',
    ':',
    ': ',
    '@',
    '%',
    '%00',
    '%2F',
    '%F0',
  ],
  ...[
    '[',
    ']',
    '{',
    '}',
    '{}',
    '[]',
    ',',
    'null',
    'true',
    '0',
    '-1',
    '1e999',
    '9007199254740993',
    '1.5',
    'NaN',
    '__proto__',
    'constructor',
  ],
  ...[
    '\u001b]0;x\u0007',
    '\u202e',
    '\u2028',
    '\ufeff',
    '\ud800',
    'é',
    '😀',
    '&a *a',
    '!!js/function',
    '<<: ',
    '# ',
    '0000',
    '0001',
    'ffff',
  ],
].map((text) => Buffer.from(text));
const BAD_UTF8 = [Buffer.of(0xff), Buffer.of(0xc0, 0x80), Buffer.of(0xed, 0xa0, 0x80), Buffer.of(0xf4, 0x90, 0x80, 0x80)];

const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.nat(6),
  insert: fc.oneof(fc.uint8Array({ maxLength: 4 }), fc.constantFrom(...SPICE, ...BAD_UTF8)),
});

/** Samples with a few edits, some random bytes, and now and then two samples in one. */
export function nearMisses(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const one = fc.constantFrom(...samples);
  return fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
    {
      weight: 1,
      arbitrary: fc.tuple(one, one).map(([a, b]) => Buffer.concat([a.subarray(0, a.length >> 1), b.subarray(b.length >> 1)])),
    },
    {
      weight: 8,
      arbitrary: fc.tuple(one, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([sample, edits]) =>
        edits.reduce<Uint8Array>((bytes, { at, remove, insert }) => {
          const from = Math.floor(at * bytes.length);
          return Buffer.concat([bytes.subarray(0, from), insert, bytes.subarray(from + remove)]);
        }, sample),
      ),
    },
  );
}

/** What is repeated without end. */
const UNITS = [
  ...[
    '(',
    '[',
    '{',
    '"',
    '\\',
    'a',
    'A',
    ' ',
    '\n',
    '\t',
    '0',
    '9',
    ':',
    '::',
    '@',
    'a@',
    '-',
    '%',
    '%41',
    '/',
    '!',
    '=',
    '.',
    ',',
  ],
  ...[
    '\0',
    '\u00ff',
    '\u001b[',
    '\r',
    'a:',
    'a ',
    ' \n',
    'a\n',
    '{"a":',
    '[1,',
    '"a",',
    'a: b\n',
    '- a\n',
    'x@y: ',
    'fail',
    '0004',
    '0005a',
  ],
];

/** A unit repeated, in a size that can be chosen: alone, or in the middle of a sample. */
export interface Bomb {
  readonly name: string;
  of(size: number): Uint8Array;
}

/** Bombs of all units, or of some. */
export function bombs(samples: readonly Uint8Array[], units: readonly string[] = UNITS): Bomb[] {
  return units.flatMap((unit) => [
    { name: `${JSON.stringify(unit)} again and again`, of: (size: number) => Buffer.alloc(size, unit) },
    ...samples.slice(0, 1).map((sample, i) => ({
      name: `${JSON.stringify(unit)} again and again in sample ${i}`,
      of: (size: number) => {
        const middle = sample.length >> 1;
        return Buffer.concat([sample.subarray(0, middle), Buffer.alloc(size, unit), sample.subarray(middle)]);
      },
    })),
  ]);
}
