import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { transformSync } from 'esbuild';
import { COMMANDS } from '../../../apps/cli/commands/index.js';
import { GLOBAL_FLAGS } from '../../../apps/cli/parse/flags.js';
import { ROOT } from '../../support/root.js';

/** What reads like the command line and isn't: [file, words, why they stay]. */
const EXCEPTIONS: readonly (readonly [file: string, words: string, why: string])[] = [
  ['adapters/signature-verifier/openpgp.ts', '--export', "gpg's flag, which snapshot happens to have too"],
  ['adapters/host-git/repository/hooks.ts', 'git-kv-stargate init.', 'the mark by which every version knows its hooks'],
  [
    'domain/ledger/transaction/watchlog.ts',
    'git-kv-stargate <stargate@localhost>',
    'the committer of watchlogs, a part of their format',
  ],
];

const FLAGS = new Set([
  ...Object.keys(GLOBAL_FLAGS),
  ...Object.values(COMMANDS).flatMap(({ flags = {} }) => Object.keys(flags).flatMap((name) => [name, `no-${name}`])),
]);

/** The source without its comments. */
function codeOf(source: string): string {
  return transformSync(source, { loader: 'ts', minifyWhitespace: true, legalComments: 'none', charset: 'utf8' }).code;
}

/** Where a source speaks of commands or flags of this project's programs. A lone `'--flag'` is an argument of another program. */
function commandWords(source: string): string[] {
  const code = codeOf(source);
  const flags = [...code.matchAll(/[^'"`]--([a-z][a-z-]*)/g)].filter(([, name]) => FLAGS.has(name ?? ''));
  const commands = [...code.matchAll(/\bgit kv (?=[a-z-])[^'"`]*|\bgit-kv-stargate\b[^'"`]*/g)];
  return [...commands, ...flags].map(([words]) => words.trim());
}

describe('the words of a command line', () => {
  it('are found in strings, and not in comments; the name of the product is none', () => {
    const [lone, told] = ["'--offline'", "'run it without --offline'"];
    expect(commandWords("export const a = 'this git-kv reads version 1';")).to.deep.equal([]);
    expect(commandWords(`// git kv get\n/** git kv get */ export const a = ${lone};`)).to.deep.equal([]);
    expect(commandWords("export const a = 'try: git kv get KEY';")).to.deep.equal(['git kv get KEY']);
    expect(commandWords(`export const a = ${told};`)).to.deep.equal(['--offline']);
    expect(commandWords('export const a = `git-kv-stargate init`;')).to.have.length(1);
  });

  for (const layer of ['ports', 'domain', 'adapters']) {
    it(`are not in ${layer}/, which gives advice instead`, () => {
      const found = readdirSync(join(ROOT, layer), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .flatMap((name) => {
          const file = `${layer}/${name}`;
          return commandWords(readFileSync(join(ROOT, file), 'utf8')).map((words) => `${file}: ${words}`);
        });
      const allowed = EXCEPTIONS.filter(([file]) => file.startsWith(`${layer}/`)).map(([file, words]) => `${file}: ${words}`);
      expect(found).to.have.members(allowed);
    });
  }

  it("of the other program are not in what a Stargate says to its clients; its operator's texts may name both", () => {
    const spoken = ['ssh', 'push', 'admin', 'leader'].flatMap((folder) =>
      readdirSync(join(ROOT, 'apps', 'stargate', folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => `apps/stargate/${folder}/${name}`),
    );
    const found = spoken.filter((file) => /\bgit kv (?=[a-z-])/.test(codeOf(readFileSync(join(ROOT, file), 'utf8'))));
    expect(found).to.deep.equal([]);
  });
});
