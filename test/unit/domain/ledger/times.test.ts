import { expect } from 'chai';
import { isTime } from '../../../../domain/ledger/value/metadata.js';

const on = (day: string, time = '12:30:30.500'): string => `${day}T${time}Z`;

describe('domain: a time as the formats have it', () => {
  it('is a day that there is', () => {
    const days = ['2026-01-31', '2026-02-28', '2024-02-29', '2000-02-29', '2026-04-30', '2026-06-30', '2026-09-30', '2026-11-30'];
    const more = ['2026-03-31', '2026-05-31', '2026-07-31', '2026-08-31', '2026-10-31', '2026-12-31', '2026-12-01'];
    for (const day of [...days, ...more]) expect(isTime(on(day)), day).to.equal(true);
    const none = ['2026-02-29', '2100-02-29', '2024-02-30', '2026-04-31', '2026-06-31', '2026-09-31', '2026-11-31'];
    for (const day of [...none, '2026-00-10', '2026-13-10', '2026-01-00', '2026-01-32'])
      expect(isTime(on(day)), day).to.equal(false);
  });

  it('is a time of the day, to the millisecond, in UTC', () => {
    for (const time of ['00:00:00.000', '23:59:59.999']) expect(isTime(on('2026-01-02', time)), time).to.equal(true);
    for (const time of ['24:00:00.000', '12:60:00.000', '12:00:60.000', '12:00:00', '12:00:00.0'])
      expect(isTime(on('2026-01-02', time)), time).to.equal(false);
    for (const text of ['2026-01-02', '2026-01-02T12:00:00.000+00:00', ' 2026-01-02T12:00:00.000Z', '2026-01-02T12:00:00.000Z '])
      expect(isTime(text), text).to.equal(false);
  });
});
