import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { needs } from '../support/needs/needs.js';
import { Place } from '../support/worlds/place.js';
import { BIN_DIR, ROOT } from '../support/root.js';

const BASH = 'share/bash-completion/completions/git-kv';
const FISH = 'share/fish/vendor_completions.d/git-kv.fish';

describe('git kv: completion in the shells', () => {
  let place: Place;
  let env: Record<string, string>;
  before(async () => {
    place = new Place();
    const bin = join(place.home, 'bin');
    mkdirSync(bin);
    symlinkSync(join(BIN_DIR, 'git-kv.js'), join(bin, 'git-kv'));
    env = { PATH: `${bin}:${process.env['PATH']}` };
    await place.ok(['mset', '-f', '-'], {
      input: ['cfg:mode', 'cfg:my key', 'user:1'].map((key) => `{"op":"set","key":"${key}","value":"1"}\n`).join(''),
    });
    writeFileSync(join(place.repo, 'value.json'), '{}');
  });
  after(() => place.remove());

  it('in bash: commands, keys behind a colon, quoted where they must be, files, and in another folder', async () => {
    const script = `. ${join(ROOT, BASH)}
      complete_line() { COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDBREAKS=$' \\t\\n"><=;|&(:'; _git_kv; printf '%s|' "\${COMPREPLY[@]}"; echo; }
      complete_line 'git-kv rev'; complete_line 'git kv get cfg:m'; complete_line 'git kv set user:1 val'
      complete_line 'git kv get --read-from='; cd /; complete_line 'git -C ${place.repo} kv get u'`;
    const { stdout, stderr } = await place.shell(script, { env });
    expect(stderr).to.equal('');
    expect(stdout.toString().split('\n')).to.deep.equal([
      'revert |',
      'mode |my\\ key |',
      'value.json|',
      'mirror |github |stargate |',
      'user:1 |',
      '',
    ]);
  });

  it('in fish', async function () {
    needs(this, 'fish');
    const lines = ['git-kv rev', 'git kv get cfg:m'].map((line) => `complete -C '${line}'`).join('; ');
    const { stdout } = await place.shell(`fish --no-config -c 'source ${join(ROOT, FISH)}; ${lines.replaceAll("'", '"')}'`, {
      env,
    });
    expect(stdout.toString())
      .to.match(/^revert\trevert|^revert\t/)
      .and.to.contain('cfg:mode')
      .and.to.contain('cfg:my key');
  });

  it('in zsh: it is code that zsh reads', async function () {
    needs(this, 'zsh');
    const { code, stderr } = await place.shell(`zsh -n ${join(ROOT, 'share/zsh/site-functions/_git-kv')}`, { env });
    expect([code, stderr]).to.deep.equal([0, '']);
  });

  it('is printed, and is the file that is installed', async () => {
    expect(await place.ok(['completion', 'fish'])).to.contain('complete -c git-kv');
    const { code, stderr } = await place.kv(['completion', 'tcsh']);
    expect([code, /bash, zsh, fish/.test(stderr)]).to.deep.equal([64, true]);
    expect((await place.kv(['__complete', 'get', ''], { cwd: '/' })).stderr).to.equal('');
  });
});
