import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { needs } from '../support/needs/needs.js';
import { Place } from '../support/worlds/place.js';

describe('git kv: values and keys', () => {
  let place: Place;
  before(() => {
    place = new Place();
  });
  after(() => place.remove());

  const VALUES: readonly [string, Buffer][] = [
    ['empty', Buffer.alloc(0)],
    ['a newline alone', Buffer.from('\n')],
    ['text without a newline', Buffer.from('hello')],
    ['text with CRLF', Buffer.from('a\r\nb\r\n')],
    ['binary', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    ['a megabyte', Buffer.alloc(1024 * 1024, 'git-kv ')],
  ];

  for (const [name, value] of VALUES) {
    it(`gives back the exact bytes: ${name}`, async () => {
      await place.ok(['set', 'value', '-'], { input: value });
      for (const flags of [[], ['--raw'], ['--offline'], ['--read-from=github']]) {
        const { code, stdout } = await place.kv(['get', 'value', ...flags]);
        expect(code).to.equal(0);
        expect(stdout.equals(value), flags.join(' ')).to.equal(true);
      }
    });
  }

  it('adds a newline on a terminal only, and not with --raw', async function () {
    needs(this, 'script');
    await place.ok(['set', 'tty', 'v']);
    const terminal = async (flags: string): Promise<string> =>
      (await place.shell(`script -qec "$KV get tty ${flags}" /dev/null`)).stdout.toString();
    expect(await terminal('')).to.equal('v\r\n');
    expect(await terminal('--raw')).to.equal('v');
  });

  it('shows on a terminal what would steer it, but for --raw', async function () {
    needs(this, 'script');
    const steering = 'red \u001b[31m \u202e';
    await place.ok(['set', 'steer', '--value', steering]);
    const terminal = async (command: string): Promise<string> =>
      (await place.shell(`script -qec "$KV ${command}" /dev/null`)).stdout.toString();
    expect(await terminal('get steer')).to.equal('red \\u001b[31m \\u202e\r\n');
    expect(await terminal('get steer --raw')).to.equal(steering);
    expect(await place.ok(['get', 'steer'])).to.equal(steering);
  });

  it('is written to a device, and to what the shell has opened, as it is', async () => {
    await place.ok(['set', 'out', 'v']);
    const { stdout, code } = await place.shell(
      '$KV get out -o /dev/null && test -c /dev/null && $KV get out -o /dev/stdout && $KV get out -o >(cat >&2) && $KV get out -o /dev/stdout | cat',
    );
    expect([code, stdout.toString()]).to.deep.equal([0, 'vv']);
  });

  it('takes an empty inline value', async () => {
    await place.ok(['set', 'void', '']);
    expect(await place.json(['get', 'void'])).to.include({ value: '', size: 0, ctype: 'text/plain; charset=utf-8' });
  });

  it('takes a file where there is one, and says so', async () => {
    writeFileSync(join(place.repo, 'face.png'), Buffer.from([1, 2, 255]));
    const { stderr } = await place.kv(['set', 'face', 'face.png']);
    expect(stderr).to.equal('value: file face.png (3 bytes)\n');
    expect(await place.json(['get', 'face'])).to.include({ value_b64: 'AQL/', ctype: 'image/png' });
  });

  it('takes what is no file as inline text, and so the name of a folder', async () => {
    mkdirSync(join(place.repo, 'folder'));
    const { stderr } = await place.kv(['set', 'inline', 'folder']);
    expect(stderr).to.equal('value: inline text (6 bytes)\n');
    expect(await place.ok(['get', 'inline'])).to.equal('folder');
  });

  it('refuses what looks like a path and is no file; kv.setFiles never makes all of it text', async () => {
    const { code, stderr } = await place.kv(['set', 'path', './typo.png']);
    expect([code, stderr]).to.deep.equal([
      64,
      'error: "./typo.png" looks like a file\'s path, and is not there\nhint: correct the path; if it is the text itself that you mean: --value TEXT\n',
    ]);
    place.git('config', 'kv.setFiles', 'never');
    writeFileSync(join(place.repo, 'on'), 'the file');
    for (const text of ['./typo.png', 'on', '-']) {
      await place.ok(['set', 'path', text]);
      expect(await place.ok(['get', 'path'])).to.equal(text);
    }
    place.git('config', '--unset', 'kv.setFiles');
    await place.ok(['set', 'path', '--file', '-'], { input: 'piped' });
    expect(await place.ok(['get', 'path'])).to.equal('piped');
  });

  it('says on a terminal that it waits for the value', async function () {
    needs(this, 'script');
    const { stdout } = await place.shell(`printf 'typed\\n\\004' | script -qec "$KV set typed -" /dev/null`);
    expect(String(stdout)).to.contain('end it with Ctrl-D');
  });

  it('checks JSON that it is told of, and warns of a TTL that goes', async () => {
    const broken = await place.kv(['set', 'doc', '{"a":', '--ctype', 'application/json']);
    expect([broken.code, broken.stderr]).to.deep.equal([64, broken.stderr]);
    expect(broken.stderr).to.contain('error: value of "doc" is no JSON, as its content type says it is');
    await place.ok(['set', 'token', 'a', '--ttl', '1h', '-m', 'first', '-m', 'second']);
    expect((await place.kv(['set', 'token', 'b', '--keep-ttl'])).stderr).to.equal('value: inline text (1 byte)\n');
    const { stderr } = await place.kv(['set', 'token', 'c']);
    expect(stderr).to.contain('warning: key "token" had a TTL, and none is left: --keep-ttl keeps it');
    const { history } = await place.json<{ history: { subject: string; body: string }[] }>(['history', 'token']);
    expect(history.at(-1)).to.include({ subject: 'first', body: 'second' });
  });

  it('leaves no doubt with --file and --value', async () => {
    writeFileSync(join(place.repo, 'note.txt'), 'from the file');
    await place.ok(['set', 'doubt', '--value', 'note.txt']);
    expect(await place.ok(['get', 'doubt'])).to.equal('note.txt');
    await place.ok(['set', 'doubt', '--file', 'note.txt']);
    expect(await place.ok(['get', 'doubt'])).to.equal('from the file');
    expect((await place.kv(['set', 'doubt', '--file', 'missing.txt'])).code).to.equal(5);
    expect((await place.kv(['set', 'doubt', 'x', '--value', 'y'])).code).to.equal(64);
    expect((await place.kv(['set', 'doubt'])).code).to.equal(64);
  });

  it('knows JSON from text, unless told', async () => {
    await place.ok(['set', 'typed', '{"a":1}']);
    expect(await place.json(['get', 'typed'])).to.include({ ctype: 'application/json' });
    await place.ok(['set', 'typed', '{a']);
    expect(await place.json(['get', 'typed'])).to.include({ ctype: 'text/plain; charset=utf-8' });
    await place.ok(['set', 'typed', '{"a":1}', '--ctype', 'application/ld+json']);
    expect(await place.json(['get', 'typed'])).to.include({ ctype: 'application/ld+json' });
  });

  it('writes --output through a temporary file', async () => {
    await place.ok(['set', 'out', 'value']);
    const file = join(place.repo, 'out.txt');
    expect(await place.ok(['get', 'out', '--output', file])).to.equal('');
    expect(readFileSync(file, 'utf8')).to.equal('value');
    const { code, stderr } = await place.kv(['get', 'out', '--output', join(place.repo, 'no', 'such')]);
    expect(code).to.equal(5);
    expect(stderr).to.contain(join('no', 'such'));
  });

  it('stores a value above --max-inline in chunks', async () => {
    const { code, stdout } = await place.kv(['set', 'size', '123456', '--max-inline', '5', '--json']);
    expect(code).to.equal(0);
    expect(JSON.parse(String(stdout))).to.have.nested.property('chunked[0].size', 6);
    expect(await place.ok(['get', 'size'])).to.equal('123456');
  });

  for (const key of ['😀:profile', '..', '.git', 'a/../b', 'a b', '%41', '~', 'x'.repeat(512), '\ufffd', '-5']) {
    it(`takes the key ${JSON.stringify(key.slice(0, 20))}`, async () => {
      await place.ok(['set', '--', key, 'v']);
      expect(await place.ok(['get', '--', key])).to.equal('v');
      expect((await place.ok(['list', '-0'])).split('\0')).to.contain(key);
      await place.ok(['del', '--', key]);
      expect((await place.kv(['get', '--', key])).code).to.equal(6);
    });
  }

  it('takes a key that begins with a dash behind --', async () => {
    await place.ok(['set', '--', '-rf', 'v']);
    expect(await place.ok(['get', '--', '-rf'])).to.equal('v');
    expect((await place.kv(['get', '-rf'])).code).to.equal(64);
  });

  const BAD_KEYS: readonly [string, string][] = [
    ['empty', ''],
    ['513 bytes', 'x'.repeat(513)],
    ['513 bytes in 257 characters', `${'é'.repeat(256)}x`],
    ['a tab', 'a\tb'],
    ['a newline', 'a\nb'],
    ['DEL', 'a\u007f'],
    ['a C1 control', 'a\u0085'],
  ];
  for (const [name, key] of BAD_KEYS) {
    it(`refuses a key: ${name}`, async () => {
      for (const args of [
        ['get', key],
        ['set', key, 'v'],
        ['del', key],
        ['history', key],
      ]) {
        const { code, stderr } = await place.kv(args);
        expect(code, args[0]).to.equal(4);
        expect(stderr).to.match(/^error: invalid key .*\nhint: /s);
      }
    });
  }

  it('refuses a key that is not UTF-8, instead of writing to another', async () => {
    for (const line of ["$KV get $'a\\xff'", "$KV set $'a\\xff' v", "$KV get -- $'a\\xc3'"]) {
      const { code, stderr } = await place.shell(line);
      expect(code, line).to.equal(4);
      expect(stderr).to.contain('not valid UTF-8');
    }
    const value = await place.shell("$KV set key --value $'\\xff'");
    expect(value.code).to.equal(64);
  });

  it('works in a SHA-256 repository', async () => {
    const other = new Place({ hash: 'sha256' });
    try {
      await other.ok(['set', 'a', 'b']);
      const { oid, tree } = await other.json<{ oid: string; tree: string }>(['get', 'a']);
      expect([oid.length, tree.length]).to.deep.equal([64, 64]);
      await other.ok(['set', 'a', 'c', '--expect-tree', tree, '--expect-blob', oid]);
    } finally {
      other.remove();
    }
  });
});
