import { expect } from 'chai';
import { parseDuration, parseTimeLimit } from '../../../ports/grammar/duration.js';
import { parseSize } from '../../../ports/grammar/size.js';

describe('grammar: durations', () => {
  it('are a whole number and a unit', () => {
    for (const [text, ms] of [
      ['0s', 0],
      ['500ms', 500],
      ['90s', 90_000],
      ['30m', 1_800_000],
      ['12 h', 43_200_000],
      ['365d', 31_536_000_000],
      ['2w', 1_209_600_000],
    ] as const) {
      expect(parseDuration(text), text).to.equal(ms);
    }
    const bad = ['', '30', '1y', '-1d', '1.5h', 'd', '1D', '1  d', ' 1d', '1d ', '1d\n', '1e3s', '１s', '999999999999999w'];
    for (const text of bad) expect(parseDuration(text), JSON.stringify(text)).to.equal(undefined);
  });

  it('as a limit, may be none', () => {
    expect(['0', '1s', '00', '', '0 '].map(parseTimeLimit)).to.deep.equal([0, 1000, undefined, undefined, undefined]);
  });
});

describe('grammar: sizes', () => {
  it('are bytes, or a whole number and a unit', () => {
    for (const [text, bytes] of [
      ['0', 0],
      ['123', 123],
      ['5B', 5],
      ['9kB', 9000],
      ['9KB', 9000],
      ['10MB', 1e7],
      ['1GB', 1e9],
      ['64KiB', 65_536],
      ['1 MiB', 1_048_576],
      ['2GiB', 2 ** 31],
    ] as const) {
      expect(parseSize(text), text).to.equal(bytes);
    }
    const bad = ['', '-1', '1.5MiB', '1mib', '64k', '1M', '1KiBx', '1 000', '+5', '1e3', 'MiB', '1  B', ' 1', '1constructor'];
    for (const text of [...bad, '9999999999999999GiB']) expect(parseSize(text), text).to.equal(undefined);
  });
});
