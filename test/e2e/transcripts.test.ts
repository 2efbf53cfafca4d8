import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { play } from './terminal.js';
import { matches, parseTranscript } from './transcript.js';
import { needs } from '../support/needs/needs.js';
import { ROOT } from '../support/root.js';

const FOLDER = join(ROOT, 'test', 'e2e', 'scripts');

describe('the transcript format', () => {
  const none = new Map<string, string>();
  it('matches lines, parts of lines, patterns and values', () => {
    expect(matches(['a', '...', 'd…f', '/^g+$/', '$X'], 'a\nb\nc\ndef\nggg\nvalue\n', new Map([['X', 'value']]))).to.equal(true);
    expect(matches(['...', 'b'], 'a\nb\nb\n', none)).to.equal(true);
    expect(matches([], '', none)).to.equal(true);
  });
  it('sees what is missing, wrong or too much', () => {
    expect(matches(['a'], 'a\nb\n', none)).to.equal(false);
    expect(matches(['a', 'b'], 'a\n', none)).to.equal(false);
    expect(matches([], 'a\n', none)).to.equal(false);
    expect(matches(['...', 'c'], 'a\nb\n', none)).to.equal(false);
    expect(matches(['a.c'], 'abc\n', none)).to.equal(false);
  });
  it('names the line that it cannot read', () => {
    expect(() => parseTranscript('# x\n@hash md5\n', 'x.txt')).to.throw('x.txt:2');
    expect(() => parseTranscript('lost output\n', 'x.txt')).to.throw('x.txt:1');
  });
});

describe('sessions', () => {
  for (const file of readdirSync(FOLDER)
    .filter((name) => name.endsWith('.txt'))
    .sort()) {
    const transcript = parseTranscript(readFileSync(join(FOLDER, file), 'utf8'), file);
    it(`${file.replace('.txt', '')}: ${transcript.title}`, async function () {
      needs(this, ...transcript.setting.needs);
      await play(transcript);
    });
  }
});
