import { expect } from 'chai';
import { parseHumanTime } from '../../../../domain/client/past/human-time.js';
import { parseTime } from '../../../../domain/client/write/value/expiry.js';

describe('a time as people say it', () => {
  const NOW = Date.UTC(2026, 10, 20, 14, 8, 13);
  for (const [text, iso] of [
    ['now', '2026-11-20T14:08:13.000Z'],
    ['today', '2026-11-20T00:00:00.000Z'],
    ['yesterday', '2026-11-19T14:08:13.000Z'],
    ['5m ago', '2026-11-20T14:03:13.000Z'],
    ['90 seconds ago', '2026-11-20T14:06:43.000Z'],
    ['2 Hours ago', '2026-11-20T12:08:13.000Z'],
    ['1.day.ago', '2026-11-19T14:08:13.000Z'],
    ['3w ago', '2026-10-30T14:08:13.000Z'],
    ['999999w ago', '1970-01-01T00:00:00.000Z'],
  ] as const)
    it(text, () => expect(new Date(parseHumanTime(text, NOW) ?? Number.NaN).toISOString()).to.equal(iso));

  for (const text of ['5m', 'ago', '5 moons ago', '-5m ago', 'tomorrow', '4f0c2a91', ''])
    it(`is none: ${JSON.stringify(text)}`, () => expect(parseHumanTime(text, NOW)).to.equal(undefined));
});

describe('a time as a history shows it', () => {
  it('is the same with a space as with a T', () => {
    for (const [said, iso] of [
      ['2026-11-20 14:08:13Z', '2026-11-20T14:08:13.000Z'],
      ['2026-11-20 16:08+02:00', '2026-11-20T14:08:00.000Z'],
    ] as const)
      expect(new Date(parseTime(said) ?? Number.NaN).toISOString()).to.equal(iso);
  });

  it('has a zone, and one space', () => {
    for (const said of ['2026-11-20 14:08:13', '2026-11-20  14:08:13Z', '2026-11-20 '])
      expect(parseTime(said)).to.equal(undefined);
  });
});
