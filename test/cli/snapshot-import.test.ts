import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { keyLines, snapshotOf } from './snapshot-text.js';
import { Place } from '../support/worlds/place.js';
import { ROOT } from '../support/root.js';
import { THOROUGH } from '../support/needs/thorough.js';

const MIB = 1024 * 1024;
const fixture = (name: string): string => join(ROOT_OF_SOURCES, 'test', 'fixtures', 'import', name);
// The tests may be compiled into a folder of their own; mocha runs in the repository.
const ROOT_OF_SOURCES =
  readdirSync(ROOT).includes('test') && readdirSync(join(ROOT, 'test')).includes('fixtures') ? ROOT : process.cwd();

describe('git kv snapshot and import', () => {
  let place: Place;
  let other: Place;
  before(() => {
    place = new Place();
    other = new Place({ hash: 'sha256' });
  });
  after(() => {
    place.remove();
    other.remove();
  });

  const snapshot = (from: Place, ...args: string[]): Promise<string> => from.ok(['snapshot', '--export', '-', ...args]);
  const importText = (into: Place, text: string | Uint8Array, ...args: string[]) =>
    into.kv(['import', '-', ...args], { input: text });

  describe('a round trip', () => {
    const large = randomBytes(3 * MIB + 1);
    const text = `${'long text '.repeat(110_000)}ü`;
    let exported = '';
    before(async () => {
      const lines = [
        { op: 'set', key: 'empty', value: '' },
        { op: 'set', key: 'text:ünï.code~/x', value: 'é\u0000\u2028"\\\n' },
        { op: 'set', key: 'bom', value: '\ufeffx' },
        { op: 'set', key: 'bytes', value_b64: 'AP8=', ctype: 'image/x-test' },
        { op: 'set', key: 'later', value: '1', ttl: '30d' },
        { op: 'set', key: 'a', value: 'short key' },
        { op: 'set', key: 'gone', value: 'x' },
      ];
      await place.ok(['mset', '--file', '-'], { input: lines.map((line) => JSON.stringify(line)).join('\n') });
      writeFileSync(join(place.home, 'large'), large);
      writeFileSync(join(place.home, 'text'), text);
      await place.ok(['set', 'large', '--file', join(place.home, 'large')]);
      await place.ok(['set', 'large:text', '--file', join(place.home, 'text')]);
      await place.ok(['set', 'expired', 'x', '--ttl', '1ms']);
      await place.ok(['del', 'gone']);
      exported = await snapshot(place);
    });

    it('same state, same bytes; keys in the order of their urlsafe forms; a header and an end', async () => {
      expect(await snapshot(place)).to.equal(exported);
      const lines = exported
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines[0]).to.include({
        'git-kv': 'snapshot',
        v: 1,
        ns: 'main',
        commit: place.git('rev-parse', 'refs/kv/main').trim(),
      });
      expect(lines.at(-1)).to.include({ 'git-kv': 'end', keys: 9 });
      const keys = lines.slice(1, -1).map(({ key }) => key);
      expect(keys).to.have.members(['empty', 'text:ünï.code~/x', 'bom', 'bytes', 'later', 'a', 'large', 'large:text', 'expired']);
      const body = exported.slice(exported.indexOf('\n') + 1, exported.lastIndexOf('\n', exported.length - 2) + 1);
      expect(lines.at(-1)).to.have.property('sha256', createHash('sha256').update(body).digest('hex'));
      expect(exported).not.to.contain('wendy@example.com');
    });

    it('is byte-identical into another repository with other object ids, and both verify', async () => {
      const { code, stderr } = await importText(other, exported);
      expect(code, stderr).to.equal(0);
      expect(keyLines(await snapshot(other))).to.deep.equal(keyLines(exported));
      const got = await other.kv(['get', 'large']);
      expect(got.stdout.equals(large)).to.equal(true);
      expect(other.git('rev-list', '--count', 'refs/kv/main').trim()).to.equal('1');
      for (const each of [place, other]) expect((await each.kv(['verify', '--full'])).code).to.equal(0);
    });

    it('is byte-identical with values in other chunks, in many transactions, and with files', async () => {
      const file = join(place.home, 'all.jsonl');
      await place.ok(['snapshot', '--export', file, '--files', join(place.home, 'all.files')]);
      expect(readdirSync(join(place.home, 'all.files'))).to.have.length(2);
      expect(
        readFileSync(file, 'utf8')
          .split('\n')
          .every((line) => line.length < 1000),
      ).to.equal(true);
      const report = await place.json<{ transactions: object[] }>([
        '--ns',
        'copy',
        'import',
        file,
        '--batch',
        '4',
        '--max-inline',
        '64KiB',
      ]);
      expect(report.transactions).to.have.length(3);
      expect(keyLines(await snapshot(place, '--ns', 'copy'))).to.deep.equal(keyLines(exported));
    });

    it('provenance is exported on demand, and taken for what it is', async () => {
      const full = await snapshot(place, '--provenance', '--prefix', 'later');
      expect(JSON.parse(full.split('\n')[1] ?? ''))
        .to.include({ key: 'later', created_by: 'wendy@example.com' })
        .and.to.have.keys('key', 'ctype', 'ttl', 'created_by', 'created_at', 'txn', 'etag', 'value');
      const edited = snapshotOf([(full.split('\n')[1] ?? '').replace('wendy@example.com', 'someone@else.example')]);
      const { code, stderr } = await importText(place, edited, '--ns', 'prov');
      expect(code, stderr).to.equal(0);
      expect(await place.json(['--ns', 'prov', 'get', 'later'])).to.include({ created_by: 'wendy@example.com' });
    });

    it('an archive can be mapped to other names', async () => {
      const { code } = await importText(
        place,
        await snapshot(place, '--prefix', 'later'),
        '--ns',
        'mapped',
        '--strip',
        'la',
        '--add-prefix',
        'x:',
      );
      expect(code).to.equal(0);
      expect(await place.ok(['--ns', 'mapped', 'list'])).to.equal('x:ter\n');
    });

    it('a large value whose file was changed is refused', async () => {
      const file = join(place.home, 'damaged.jsonl');
      await place.ok(['snapshot', '--export', file, '--files', join(place.home, 'damaged.files'), '--prefix', 'large:text']);
      const [name] = readdirSync(join(place.home, 'damaged.files'));
      const path = join(place.home, 'damaged.files', name as string);
      const content = readFileSync(path);
      content[5] = 0x21;
      writeFileSync(path, content);
      const { code, stderr } = await place.kv(['--ns', 'faulty', 'import', file]);
      expect(stderr).to.match(/whose content is not the one its etag names/);
      expect(code).to.equal(64);
    });

    it('a dry run writes nothing', async () => {
      const { code, stdout } = await importText(place, exported, '--ns', 'dry', '--dry-run');
      expect(code).to.equal(0);
      expect(stdout.toString()).to.match(/^dry run: snapshot of 9 operations: set 9/);
      expect((await place.kv(['--ns', 'dry', 'list'])).code).to.equal(6);
    });

    it('any byte that is changed or cut off anywhere is refused, and changes nothing', async () => {
      const small = Buffer.from(await snapshot(place, '--prefix', 'b'));
      const end = small.indexOf(0x0a) + 1; // the header's own facts are for people
      for (let at = end; at < small.length; at += THOROUGH ? 11 : 61) {
        const broken = Buffer.from(small);
        broken[at] = (broken[at] as number) ^ 1;
        const { code } = await importText(place, broken, '--ns', 'broken');
        expect(code, `byte ${at}`).to.be.oneOf([64, 4]);
      }
      for (const cut of [end, small.length - 40, small.lastIndexOf(0x0a, small.length - 2) + 1]) {
        const { code, stderr } = await importText(place, small.subarray(0, cut), '--ns', 'broken');
        expect(code, stderr).to.equal(64);
      }
      expect((await place.kv(['--ns', 'broken', 'list'])).code).to.equal(6);
    });
  });

  it('a failed export leaves the file as it was', async () => {
    const file = join(place.home, 'kept.jsonl');
    writeFileSync(file, 'before');
    expect((await place.kv(['--ns', 'none', 'snapshot', '--export', file])).code).to.equal(6);
    expect(readFileSync(file, 'utf8')).to.equal('before');
  });

  it('goes on after a failure with --skip', async () => {
    const lines = Array.from({ length: 10 }, (_, i) => `{"op":"set","key":"k:${i}","value":"${i}"}`);
    const hook = join(place.repo, '.git', 'hooks', 'reference-transaction');
    // The third transaction's refs are refused.
    writeFileSync(
      hook,
      '#!/bin/sh\n[ "$1" = prepared ] || exit 0\ngrep -q refs/kv/half || exit 0\n[ "$(git rev-list --count refs/kv/half 2>/dev/null)" = 2 ] && exit 1\nexit 0\n',
      { mode: 0o755 },
    );
    const first = await importText(place, lines.join('\n'), '--ns', 'half', '--batch', '3');
    writeFileSync(hook, '#!/bin/sh\nexit 0\n');
    expect(first.code, first.stderr).to.be.greaterThan(0);
    expect(first.stderr).to.contain('6 of 10 operations have landed').and.to.contain('--skip 6');
    expect((await place.ok(['--ns', 'half', 'list'])).split('\n')).to.have.length(7);
    const second = await importText(place, lines.join('\n'), '--ns', 'half', '--batch', '3', '--skip', '6');
    expect(second.code, second.stderr).to.equal(0);
    expect((await place.ok(['--ns', 'half', 'list'])).split('\n')).to.have.length(11);
  });

  it('takes a Consul export as it is', async () => {
    const ran = await place.kv([
      '--ns',
      'consul',
      'import',
      fixture('consul.json'),
      '--strip',
      'config/',
      '--add-prefix',
      'cfg:',
    ]);
    expect(ran.code, ran.stderr).to.equal(0);
    expect(ran.stderr).to.contain('1 entry has Consul flags').and.to.contain('the folder "config/" itself is left out');
    const listed = await place.json<{ keys: { key: string }[] }>(['--ns', 'consul', 'list']);
    expect(listed.keys.map(({ key }) => key)).to.have.members([
      'cfg:redis/maxconns',
      'cfg:redis/minconns',
      'cfg:app.json',
      'cfg:cert',
      'cfg:ünïcode',
    ]);
    expect(await place.json(['--ns', 'consul', 'get', 'cfg:app.json'])).to.include({
      value: '{"debug":false}',
      ctype: 'application/json',
    });
    expect(await place.json(['--ns', 'consul', 'get', 'cfg:cert'])).to.include({ value_b64: 'AP8B' });
    expect((await place.kv(['--ns', 'consul2', 'import', fixture('consul.json')])).code).to.equal(0);
    expect(await place.ok(['--ns', 'consul2', 'get', 'config/'])).to.equal('');
  });

  it('takes an etcd export as it is', async () => {
    const ran = await place.kv(['--ns', 'etcd', 'import', fixture('etcd.json')]);
    expect(ran.code, ran.stderr).to.equal(0);
    expect(ran.stderr).to.contain('1 entry has a lease');
    expect(await place.ok(['--ns', 'etcd', 'get', '/registry/a'])).to.equal('one');
    expect(await place.ok(['--ns', 'etcd', 'get', '/registry/b'])).to.equal('');
    expect(await place.json(['--ns', 'etcd', 'get', '/registry/c'])).to.include({ value_b64: 'AP8=' });
  });

  it('says that an etcd export was made with a limit, or without values', async () => {
    const { stderr } = await importText(place, '{"header":{},"kvs":[{"key":"YQ=="}],"more":true,"count":9}', '--ns', 'limited');
    expect(stderr).to.contain('holds 1 of 9 keys').and.to.contain('--keys-only');
  });
});
