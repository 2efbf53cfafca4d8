import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { printable, printableText } from '../../../ports/grammar/printable.js';
import { valueLine } from '../../../apps/cli/render/values/value-line.js';
import { utf8 } from '../../../domain/git/bytes.js';
import { ROOT } from '../../support/root.js';

describe('text of others on a terminal', () => {
  const STEERING: readonly [string, string][] = [
    ['\u001b[2J', '\\u001b[2J'],
    ['\u009b2J', '\\u009b2J'],
    ['\u0007\u007f', '\\u0007\\u007f'],
    ['a\u202eb\u2066c', 'a\\u202eb\\u2066c'],
    ['\u2028\u200b\ufeff', '\\u2028\\u200b\\ufeff'],
    ['\ud800x', '\\ud800x'],
    ['over\rwritten', 'over\\u000dwritten'],
    ['\u061c\u00ad\u3164\ufff9', '\\u061c\\u00ad\\u3164\\ufff9'],
    ['a\u{e0041}', 'a\\udb40\\udc41'],
    ['cfg\u200d:a\u200c', 'cfg\\u200d:a\\u200c'],
  ];
  for (const [text, shown] of STEERING) {
    it(`shows ${shown}`, () => {
      expect(printable(text)).to.equal(shown);
      expect(printableText(text)).to.equal(shown);
    });
  }

  it('is left alone otherwise, in every script; lines and tabs only where there may be some', () => {
    for (const text of ['größe', '日本語', 'עברית', '👩‍💻', '❤️', '1️⃣', 'می‌خواهم', '葛󠄀', 'a\\b'])
      expect(printable(text)).to.equal(text);
    expect(printableText('a\tb\r\nc\n')).to.equal('a\tb\r\nc\n');
    expect(printable('a\tb\n')).to.equal('a\\u0009b\\u000a');
  });

  it('leaves JSON the JSON that it is', () => {
    const value = { 'k\u202e': '\u001b\u009b\u2028\ud800' };
    expect(JSON.parse(printableText(JSON.stringify(value)))).to.deep.equal(value);
  });

  it('reaches one through the door of its program alone', () => {
    const doors = ['cli/io/terminal.ts', 'stargate/process/terminal.ts', 'stargate/log/log-sink.ts', 'api/terminal.ts'];
    const others = readdirSync(join(ROOT, 'apps'), { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.ts') && !doors.includes(name),
    );
    const writes = (name: string): boolean =>
      /process\.(?:stdout|stderr)\.write\(|console\.|writeSync\(/.test(readFileSync(join(ROOT, 'apps', name), 'utf8'));
    expect(others.filter(writes)).to.deep.equal([]);
    expect(others.length).to.be.greaterThan(100);
  });

  it('is one line where it is a value among others', () => {
    expect(valueLine(utf8('on\n'))).to.equal('on');
    expect(valueLine(utf8('a\tb\r\nc\\d\u001b[m\n\n'))).to.equal('a\\tb\\r\\nc\\\\d\\u001b[m\\n');
    expect(valueLine(utf8(''))).to.equal('');
    expect(valueLine(Uint8Array.of(1, 0, 2))).to.equal(undefined);
    expect(valueLine(Uint8Array.of(0xff))).to.equal(undefined);
  });
});
