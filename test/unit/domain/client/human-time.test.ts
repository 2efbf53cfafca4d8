import { expect } from 'chai';
import { parseHumanTime } from '../../../../domain/client/past/human-time.js';

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
