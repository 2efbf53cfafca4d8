import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { gitPretending } from '../support/programs/old-git.js';
import { needs } from '../support/needs/needs.js';
import { Place } from '../support/worlds/place.js';

describe('git kv: usage and errors', () => {
  let place: Place;
  before(async () => {
    place = new Place();
    await place.ok(['set', 'a', '1']);
  });
  after(() => place.remove());

  const WRONG: readonly [string[], RegExp][] = [
    [['nope'], /no command "nope"/],
    [['lsit'], /did you mean: git kv list\n/],
    [['cas', 'get'], /did you mean: git kv cas set/],
    [['help', 'gte'], /did you mean: git kv get/],
    [['get'], /no key: give KEY, or --prefix/],
    [['get', 'a', 'b', '--raw'], /--raw wants one key/],
    [['get', 'a', '--prefix', 'b'], /contradict/],
    [['get', 'a', '--ofline'], /unknown flag --ofline\n.*\nhint: did you mean --offline\?/],
    [['get', 'a', '--read-from=moon'], /mirror, github, stargate/],
    [['get', 'a', '--offline', '--read-from=github'], /contradict/],
    [['get', 'a', '--raw', '--json'], /contradict/],
    [['get', 'a', '--ns', 'Main'], /no namespace name/],
    [['get', 'a', '--ns'], /--ns expects a value/],
    [['get', 'a', '--ns', 'x', '--ns', 'y'], /only be specified once/],
    [['set', 'a', 'b', '--timeout', 'soon'], /--timeout wants a duration/],
    [['set', 'a', 'b', '--timeout', '5'], /hint: for example --timeout 5s\n/],
    [['set', 'a', 'b', '--max-inline', 'big'], /--max-inline wants a size/],
    [['set', 'a', 'b', '--max-inline', '64k'], /--max-inline wants a size, and got "64k"\n.*64KiB/],
    [['set', 'a', 'b', '--message', ''], /some text/],
    [['set', 'a', 'b', '--ctype', 'png'], /type\/subtype/],
    [['list', '--limit', '0'], /--limit wants a whole number/],
    [['list', '--json', '-0'], /contradict/],
    [['wait', '--oid', 'abc', '--visible-on', 'github'], /full sha1 object id/],
    [['wait', '--visible-on', 'github'], /missing required flag --oid\n/],
    [['remote', 'setup', '--url', ''], /--url wants an SSH address/],
    [['remote', 'setup', '--url', 'https://x/y'], /--url wants an SSH address/],
    [['list', 'foo'], /unexpected argument "foo"\n.*\nhint: did you mean: git kv list --prefix foo\n/],
    [['mset', 'f.jsonl'], /unexpected argument "f.jsonl"\n.*\nhint: did you mean: git kv mset --file f.jsonl\n/],
    [['hist'], /did you mean: git kv history\n/],
    [['rm', 'a'], /did you mean: git kv del\n/],
    [['unset', 'a'], /did you mean: git kv del\n/],
    [['expire', 'a'], /git kv set KEY VALUE --ttl 30d/],
    [['status'], /did you mean: git kv stargate status\n/],
    [['--json'], /no command after --json/],
    [['--nope'], /unknown flag --nope/],
  ];
  for (const [args, message] of WRONG) {
    it(`64: git kv ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await place.kv(args);
      expect(stderr)
        .to.match(/^error: /m)
        .and.to.match(message)
        .and.to.match(/\nhint: .+\n$/);
      expect(code).to.equal(64);
      if (!args.includes('--json')) expect(stdout.toString()).to.equal('');
    });
  }

  it('--json gives errors of every kind as JSON, and prose on stderr', async () => {
    for (const [args, code, exit] of [
      [['get', 'missing'], 'NOT_FOUND', 6],
      [['get', ''], 'KEY_INVALID', 4],
      [['get', 'a', '--nope'], 'USAGE', 64],
      [['nope'], 'USAGE', 64],
      [['remote', 'setup'], 'CONFIG_INVALID', 78],
      [['stargate', 'status'], 'CONFIG_INVALID', 78],
    ] as const) {
      const outcome = await place.kv([...args, '--json']);
      const document = JSON.parse(outcome.stdout.toString()) as { ok: boolean; error: Record<string, unknown> };
      expect(document.ok).to.equal(false);
      expect(document.error).to.include({ code, exit });
      expect(document.error).to.include.keys('message', 'hint');
      expect(outcome.code).to.equal(exit);
      expect(outcome.stderr).to.match(/^error: /);
    }
  });

  it('takes global flags before the command', async () => {
    await place.ok(['--ns', 'team', 'set', 'k', 'v']);
    expect(await place.ok(['--ns=team', 'get', 'k'])).to.equal('v');
    expect(JSON.parse(await place.ok(['--json', '--ns', 'team', 'get', 'k']))).to.include({ value: 'v', ns: 'team' });
    expect((await place.kv(['get', 'k'])).code).to.equal(6);
    place.git('config', 'kv.namespace', 'team');
    expect(await place.ok(['get', 'k'])).to.equal('v');
    place.git('config', '--unset', 'kv.namespace');
  });

  it('keeps the order of arguments that are also the value of a flag', async () => {
    await place.ok(['set', '--message', 'same', 'k', 'same']);
    expect(await place.ok(['get', 'k'])).to.equal('same');
  });

  it('does not colour a pipe, nor read NO_COLOR amiss', async () => {
    const { stderr } = await place.kv(['get', 'missing'], { env: { NO_COLOR: '1', FORCE_COLOR: '0' } });
    expect(stderr).not.to.contain('\u001b');
    expect((await place.kv(['get', 'missing'])).stderr).not.to.contain('\u001b');
  });

  it('colours a terminal, unless NO_COLOR is set', async function () {
    const script = (env: Record<string, string>) =>
      place.shell('script -qec "$KV get missing" /dev/null', { env: { TERM: 'xterm', ...env } });
    needs(this, 'script');
    expect((await script({})).stdout.toString()).to.contain('\u001b[1;31merror:');
    expect((await script({ NO_COLOR: '1' })).stdout.toString()).not.to.contain('\u001b[1;31m');
  });

  it('--debug prints the stack', async () => {
    expect((await place.kv(['get', 'missing', '--debug'])).stderr).to.match(/\n {4}at /);
  });

  it('outside a repository: 5', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'git-kv-none-'));
    try {
      for (const args of [['get', 'a'], ['set', 'a', 'b'], ['list'], ['init']]) {
        const { code, stderr } = await place.kv(args, { cwd: folder, env: { GIT_CEILING_DIRECTORIES: tmpdir() } });
        expect(code).to.equal(5);
        expect(stderr).to.contain('no Git repository').and.to.contain('hint: ');
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('under an old git: 78, whatever is asked for', async () => {
    const PATH = gitPretending(place.home, place.env['PATH'] ?? '', '2.30.2');
    const oid = '0'.repeat(40);
    for (const args of [['get', 'a'], ['list'], ['set', 'a', 'b'], ['verify'], ['remote', 'setup'], ['wait', '--oid', oid]]) {
      const on = args[0] === 'wait' ? ['--visible-on', 'github'] : [];
      const { code, stderr } = await place.kv([...args, ...on], { env: { PATH } });
      expect(code, args[0]).to.equal(78);
      expect(stderr).to.match(/^error: git 2\.30\.2 is too old: git-kv needs 2\.34 or newer\nhint: install git 2\.34 .*\n$/);
    }
  });

  it('explains itself', async () => {
    expect(await place.ok(['--version'])).to.match(/^git-kv \d+\.\d+\.\d+\n$/);
    for (const args of [[], ['-h'], ['--help'], ['help']]) expect(await place.ok(args)).to.contain('Start here');
    for (const args of [
      ['get', '-h'],
      ['get', '--help'],
      ['help', 'get'],
      ['get', 'key', '-h'],
    ])
      expect(await place.ok(args))
        .to.contain('usage: git kv get [KEY...]')
        .and.to.contain('--read-from=mirror|github|stargate');
    expect(await place.ok(['set', '-h'])).to.contain('--[no-]wait');
    for (const args of [['cas', 'set', '-h'], ['cas', '-h'], ['cas'], ['help', 'cas', 'set'], ['help', 'cas']])
      expect(await place.ok(args)).to.contain('cas set');
    const codes = await place.ok(['help', 'exit-codes']);
    for (const exit of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 64, 78, 130])
      expect(codes).to.match(new RegExp(`^ *${exit} {2}\\S`, 'm'));
  });

  it('Ctrl-C while waiting: 130', async () => {
    const script = [
      'git init -q --bare ../mirror.git; git remote add origin ../mirror.git',
      `$KV wait --oid ${'0'.repeat(39)}1 --visible-on=github & pid=$!`,
      'until [ -n "$(cat /proc/$pid/task/*/children 2>/dev/null)" ]; do sleep 0.02; done', // it has started git
      'kill -INT $pid; wait $pid; echo "rc=$?"',
    ];
    const { stdout } = await place.shell(script.join('\n'));
    expect(stdout.toString()).to.contain('rc=130');
  });

  it('wait gives up: 10', async () => {
    const { code, stderr } = await place.kv(['wait', '--oid', `${'0'.repeat(39)}1`, '--visible-on=github', '--timeout', '1ms']);
    expect(code).to.equal(10);
    expect(stderr).to.contain('git kv stargate status');
  });
});
