import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { HELP } from '../../apps/stargate/help.js';
import { COMMANDS } from '../../apps/cli/commands/index.js';
import { GLOBAL_FLAGS } from '../../apps/cli/parse/flags.js';

const COMPILED = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const SOURCES = process.env['GIT_KV_ROOT'] ?? dirname(COMPILED);
/** Generated from the commands themselves, whose examples are held to the same. */
const PAGES = ['README.md', ...readdirSync(join(SOURCES, 'docs')).map((name) => join('docs', name))].filter((page) =>
  page.endsWith('.md'),
);
const GLOBALS: Readonly<Record<string, { readonly type: string }>> = GLOBAL_FLAGS;
const IDS = Object.keys(COMMANDS).map((id) => id.split(':'));

/** What stands in fenced blocks and between backticks, each command with its arguments up to the end of the shell command. */
function commandLines(text: string, program: string): string[] {
  const fenced = [...text.matchAll(/^```.*\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block.replaceAll('\\\n', ' ').split('\n'),
  );
  const inline = [...text.replaceAll(/^```.*\n[\s\S]*?^```/gm, '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
  return [...fenced, ...inline].flatMap((line) =>
    line
      .replace(/ # .*/, '')
      .split(`${program} `)
      .slice(1)
      .map((rest) => rest.replace(/\)(?: .*)?$|[;|&].*$/, '')),
  );
}

const wordsOf = (rest: string): string[] =>
  [...rest.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) => word.replaceAll(/["']/g, ''));

/** What is wrong with the words behind `git kv`; null for a command that is there, with flags that it has. */
function faultOf(words: readonly string[]): string | null {
  let at = 0;
  while (words[at]?.startsWith('--')) at += GLOBALS[(words[at] ?? '').slice(2)]?.type === 'string' ? 2 : 1;
  const id = IDS.filter((parts) => parts.every((part, i) => words[at + i] === part)).sort((a, b) => b.length - a.length)[0];
  if (id === undefined) return /^(?:-h|--help|--version|COMMAND|…)?$/.test(words.at(at) ?? '') ? null : `no command ${words[at]}`;
  const flags: Readonly<
    Record<string, { type: string; char?: string; charAliases?: string[]; options?: readonly string[]; allowNo?: boolean }>
  > = {
    ...(COMMANDS as Record<string, { flags: object }>)[id.join(':')]?.flags,
    ...GLOBALS,
  };
  for (const word of words.slice(at + id.length)) {
    if (word === '--') return null;
    if (!/^-[^-]|^--/.test(word) || word === '-h' || word === '--help') continue;
    const [, name = '', value] = /^--?([^=]+)(?:=(.*))?$/.exec(word) ?? [];
    const flag = word.startsWith('--')
      ? (flags[name] ?? (flags[name.replace(/^no-/, '')]?.allowNo ? flags[name.replace(/^no-/, '')] : undefined))
      : Object.values(flags).find(({ char, charAliases = [] }) => [char, ...charAliases].includes(name));
    if (flag === undefined) return `${id.join(' ')} has no ${word}`;
    if (value !== undefined && flag.options && !value.split('|').every((one) => flag.options?.includes(one)))
      return `${id.join(' ')} takes no ${word}`;
  }
  return null;
}

/** The command that the example of a plugin brings. */
const EXAMPLE = 'hello';

describe('the command lines in what people read', () => {
  it('are told from what is none', () => {
    const text =
      '```sh\nx$ echo 1 | git kv set a --ttl 1d && git kv get a; git kv get -- -b\n```\nSee `git kv nope`, or git kv no code.\n';
    expect(commandLines(text, 'git kv')).to.deep.equal(['set a --ttl 1d ', 'get a', 'get -- -b', 'nope']);
    expect(faultOf(wordsOf('--ns team --json cas set k "a --b" --expect-blob none'))).to.equal(null);
    expect(faultOf(wordsOf('get -- --no-flag'))).to.equal(null);
    expect(faultOf(['nope'])).to.equal('no command nope');
    expect(faultOf(['epoch'])).to.equal('no command epoch');
    expect(faultOf(['get', 'a', '--ttl', '1d'])).to.equal('get has no --ttl');
    expect(faultOf(['set', '--no-wait', '-x'])).to.equal('set has no -x');
    expect(faultOf(['wait', '--visible-on=moon'])).to.equal('wait takes no --visible-on=moon');
  });

  for (const page of PAGES) {
    it(`${page}: every git kv is a command with flags that it has`, () => {
      const lines = commandLines(readFileSync(join(SOURCES, page), 'utf8'), 'git kv').filter((line) => !line.startsWith(EXAMPLE));
      const faults = lines.flatMap((line) => faultOf(wordsOf(line)) ?? []);
      expect(faults).to.deep.equal([]);
    });

    it(`${page}: git-kv-stargate's flags are those of its help`, () => {
      for (const line of commandLines(readFileSync(join(SOURCES, page), 'utf8'), 'git-kv-stargate'))
        for (const word of wordsOf(line)) if (word.startsWith('--')) expect(HELP).to.match(new RegExp(`${word}\\b`), line);
    });
  }

  it('the guide shows every command of a value and its ledger', () => {
    const shown = commandLines(readFileSync(join(SOURCES, 'docs', 'GUIDE.md'), 'utf8'), 'git kv');
    for (const id of IDS.filter(([name = '']) => !['init', 'plugin', 'plugins'].includes(name)))
      expect(
        shown.some((line) => id.every((part, i) => wordsOf(line)[i] === part)),
        `git kv ${id.join(' ')}`,
      ).to.equal(true);
  });
});
