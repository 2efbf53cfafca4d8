import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { completionOf, type Words } from '../../../apps/cli/parse/completion.js';
import { ROOT } from '../../support/root.js';

describe('what a command line may become', () => {
  const words = JSON.parse(readFileSync(join(ROOT, 'share/git-kv/words.json'), 'utf8')) as Words;
  const of = (line: string): string => {
    const found = completionOf(line.split(' '), words);
    if (found.kind === 'words') return `${found.before}[${found.words.map(([word]) => word).join(' ')}]`;
    return 'start' in found
      ? `${found.kind} ${found.before}${found.start}${found.ns === undefined ? '' : ` in ${found.ns}`}`
      : found.kind;
  };

  for (const [line, completion] of [
    ['s', '[set snapshot stargate]'],
    ['stargate ', '[status sync]'],
    ['cas s', '[set]'],
    ['help exit', '[exit-codes]'],
    ['get cfg:', 'keys cfg:'],
    ['get a b', 'keys b'],
    ['--ns shop get ', 'keys  in shop'],
    ['get --ns=shop a', 'keys a in shop'],
    ['get --read-from=', '--read-from=[mirror github stargate]'],
    ['get --read-from st', '[stargate]'],
    ['get --of', '[--offline]'],
    ['get --offline --of', '[]'],
    ['get -- --of', 'keys --of'],
    ['list --prefix cfg', 'keys cfg'],
    ['list --prefix=cfg', 'keys --prefix=cfg'],
    ['list --limit ', 'nothing'],
    ['--ns ', 'namespaces '],
    ['set k ', 'files'],
    ['set k v ', 'nothing'],
    ['set -m text k', 'keys k'],
    ['mset -f ', 'files'],
    ['completion ', '[bash zsh fish]'],
    ['set --no-w', '[--no-wait]'],
    ['nope ', '[]'],
  ] as const)
    it(`git kv ${line}`, () => expect(of(line)).to.equal(completion));

  it('begins with every command, once', () => {
    const first = of('').slice(1, -1).split(' ');
    expect(first).to.include.members(['get', 'remote', 'stargate', 'completion', 'help']);
    expect(new Set(first).size).to.equal(first.length);
  });
});
