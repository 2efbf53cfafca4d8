import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { MANIFEST_NAMESPACE, parseManifestFile } from '../../ports/grammar/mirror-manifest.js';
import { mirrorTargetContract, thrownBy } from '../contracts/mirror-target.js';
import { BUNDLED_ID, BundleBench, openBundles } from '../support/formats/bundle-bench.js';

for (const format of ['sha1', 'sha256'] as const) {
  mirrorTargetContract(`mirror-bundle, ${format}`, () => new BundleBench(format).contract());
}

describe('mirror-bundle', function () {
  this.timeout(20_000);
  let bench: BundleBench;
  let { a, b, c, x } = { a: '', b: '', c: '', x: '' };
  beforeEach(() => {
    bench = new BundleBench('sha1');
    ({ a, b, c, x } = bench.commits);
  });
  afterEach(() => bench.sandbox.remove());

  const files = (folder = bench.folder): string[] => readdirSync(folder).sort();
  const manifest = (seq: number, folder = bench.folder) => {
    const path = join(folder, `${String(seq).padStart(12, '0')}.manifest`);
    return parseManifestFile(readFileSync(path), path);
  };
  const record = (): string => join(bench.stargate, '.stargate', 'mirror-bundle', 'record.json');

  it('writes a chain of incremental bundles, each with what the one before has not', async () => {
    const target = await bench.open();
    await target.push([{ ref: 'refs/kv/main', next: b }]);
    await target.push([{ ref: 'refs/kv/main', next: c }]);
    await target.push([{ ref: 'refs/heads/main', next: a }]);
    await target.push([{ ref: 'refs/heads/main', next: null }]);
    const links = [1, 2, 3, 4].map((seq) => manifest(seq).manifest);
    expect(links.map(({ seq, repository }) => [seq, repository])).to.deep.equal([1, 2, 3, 4].map((seq) => [seq, BUNDLED_ID]));
    expect(new Set(links.map(({ chain }) => chain)).size).to.equal(1);
    expect(
      links.map(({ bundle }) => bundle === null),
      'what is there needs no object',
    ).to.deep.equal([false, false, true, true]);
    expect(links[1]?.moves).to.deep.equal([{ ref: 'refs/kv/main', old: b, next: c }]);
    const digest = (seq: number) =>
      bench.sandbox
        .run('sha256sum', [], Buffer.from(manifest(seq).payload))
        .toString()
        .slice(0, 64);
    expect(links.map(({ prev }) => prev)).to.deep.equal([null, digest(1), digest(2), digest(3)]);
    const second = files().find((name) => name.startsWith('000000000002-')) ?? '';
    const heads = bench.sandbox.git(bench.stargate, 'bundle', 'list-heads', join(bench.folder, second));
    expect(heads).to.equal(`${c} refs/kv/main`);
    expect(readFileSync(join(bench.folder, second), 'utf8')).to.contain(`\n-${b}`);
    expect(files().filter((name) => name.startsWith('.'))).to.deep.equal([]);
  });

  it('signs so that ssh-keygen verifies it, for this purpose alone', async () => {
    await (await bench.open()).push([{ ref: 'refs/kv/main', next: a }]);
    const { payload, signature } = manifest(1);
    const key = readFileSync(join(bench.stargate, '.stargate', 'ssh_host_ed25519_key.pub'), 'utf8');
    const [allowed, sig] = [bench.sandbox.path('allowed'), bench.sandbox.path('sig')];
    writeFileSync(allowed, `stargate ${key}`);
    writeFileSync(sig, signature);
    const verify = (namespace: string) =>
      bench.sandbox.run(
        'ssh-keygen',
        ['-Y', 'verify', '-f', allowed, '-I', 'stargate', '-n', namespace, '-s', sig],
        Buffer.from(payload),
      );
    expect(verify(MANIFEST_NAMESPACE).toString()).to.contain('Good');
    expect(() => verify('git')).to.throw();
  });

  it('goes on when what it has written was carried away', async () => {
    await (await bench.open()).push([{ ref: 'refs/kv/main', next: b }]);
    for (const name of files()) rmSync(join(bench.folder, name));
    const target = await bench.open();
    expect([...(await target.refs(['refs/*']))]).to.deep.equal([['refs/kv/main', b]]);
    await target.push([{ ref: 'refs/kv/main', next: c }]);
    expect(manifest(2).manifest.moves).to.deep.equal([{ ref: 'refs/kv/main', old: b, next: c }]);
  });

  it('counts what it has written right before a crash, and what a crash has cut off not', async () => {
    await (await bench.open()).push([{ ref: 'refs/kv/main', next: a }]);
    const before = readFileSync(record());
    await (await bench.open()).push([{ ref: 'refs/kv/main', next: b }]);
    writeFileSync(record(), before); // the manifest was on the disk, and the record was not
    writeFileSync(join(bench.folder, '000000000003-0123456789abcdef.bundle'), '# v2 git bundle\n'); // and a third was begun
    const target = await bench.open();
    expect([...(await target.refs(['refs/*']))]).to.deep.equal([['refs/kv/main', b]]);
    await target.push([{ ref: 'refs/kv/main', next: c }]);
    expect(manifest(3).manifest.moves).to.deep.equal([{ ref: 'refs/kv/main', old: b, next: c }]);
  });

  it('refuses a folder with another chain, with what it has not signed, and with a hole', async () => {
    const target = await bench.open();
    await target.push([{ ref: 'refs/kv/main', next: a }]);
    const other = await openBundles(bench.restored(), bench.sandbox.env, { folder: bench.sandbox.path('elsewhere') });
    await other.push([{ ref: 'refs/kv/main', next: x }]);
    const [name = ''] = files().filter((each) => each.endsWith('.manifest'));
    const [own, theirs] = [readFileSync(join(bench.folder, name)), readFileSync(bench.sandbox.path('elsewhere', name))];
    for (const [what, bytes] of [
      ['another', theirs],
      ['changed', Buffer.from(own.toString().replace('"seq":1', '"seq":1 '))],
    ] as const) {
      writeFileSync(join(bench.folder, name), bytes);
      expect((await thrownBy(target.refs(['refs/*']))).code, what).to.equal('SYNC_REFUSED');
    }
    writeFileSync(join(bench.folder, name), own);
    await target.push([{ ref: 'refs/kv/main', next: b }]);
    const before = readFileSync(record());
    writeFileSync(
      record(),
      before
        .toString()
        .replace('"seq":2', '"seq":1')
        .replace(/"digest":"\w+"/, `"digest":"${manifest(2).manifest.prev}"`)
        .replace(b, a),
    );
    const second = join(bench.folder, name.replace('1.', '2.'));
    const [good, { payload }] = [readFileSync(second), manifest(2)];
    const args = ['-Y', 'sign', '-n', MANIFEST_NAMESPACE, '-f', bench.sandbox.key('mallory')];
    writeFileSync(second, Buffer.concat([payload, bench.sandbox.run('ssh-keygen', args, Buffer.from(payload))]));
    expect((await thrownBy(target.refs(['refs/*']))).code, 'another key').to.equal('SYNC_REFUSED');
    writeFileSync(second, good);
    expect([...(await target.refs(['refs/*']))], 'and its own').to.deep.equal([['refs/kv/main', b]]);
    renameSync(join(bench.folder, name.replace('1.', '2.')), join(bench.folder, name.replace('1.', '3.')));
    writeFileSync(record(), readFileSync(record(), 'utf8').replace('"seq":2', '"seq":1'));
    expect((await thrownBy(target.refs(['refs/*']))).code, 'a hole').to.equal('SYNC_REFUSED');
  });

  it('makes no folder where a disk is not mounted', async () => {
    await (await bench.open()).push([{ ref: 'refs/kv/main', next: a }]);
    renameSync(bench.folder, `${bench.folder}.away`);
    const target = await bench.open();
    expect((await thrownBy(target.push([{ ref: 'refs/kv/main', next: b }]))).code).to.equal('IO_ERROR');
    expect(existsSync(bench.folder)).to.equal(false);
  });

  it('lets two openings push at once, as ledgers and branches do', async () => {
    const [one, two] = [await bench.open(), await bench.open()];
    await Promise.all([
      one.push([{ ref: 'refs/kv/main', next: b }]),
      two.push([{ ref: 'refs/heads/main', next: a }]),
      one.push([{ ref: 'refs/tags/v1', next: x }]),
    ]);
    expect((await one.refs(['refs/*'])).size).to.equal(3);
    expect(files().filter((name) => name.endsWith('.manifest'))).to.have.length(3);
  });

  it('takes either a folder or a command, and a key that is there', async () => {
    for (const config of [{}, { folder: 'x', command: ['cat'] }, { folder: 'x', key: 'nowhere' }]) {
      expect((await thrownBy(bench.open(config))).code, JSON.stringify(config)).to.equal('CONFIG_INVALID');
    }
    mkdirSync(bench.sandbox.path('open'));
    const key = join(bench.stargate, '.stargate', 'ssh_host_ed25519_key');
    rmSync(key);
    const error = await thrownBy((await bench.open()).push([{ ref: 'refs/kv/main', next: a }]));
    expect(error.code).to.equal('IO_ERROR');
    expect(error.hint).to.contain('passphrase');
  });

  describe('for a command', () => {
    const taken = (): string => bench.sandbox.path('taken');
    const program = (body: string): string => {
      const path = bench.sandbox.path('take it'); // a name that a shell would split
      writeFileSync(path, `#!/bin/sh\n${body}\n`);
      chmodSync(path, 0o755);
      return path;
    };
    const outbox = (): string => join(bench.stargate, '.stargate', 'mirror-bundle', 'outbox');

    it('hands each link to its standard input, arguments as they are, and keeps none that was taken', async () => {
      const command = [program(`printf '%s|' "$@" >> ${taken()}.args; cat >> ${taken()}`), '$(id)', 'a b; touch x'];
      const target = await bench.open({ command });
      await target.push([{ ref: 'refs/kv/main', next: b }]);
      await target.push([{ ref: 'refs/kv/main', next: c }]);
      expect(readFileSync(`${taken()}.args`, 'utf8')).to.equal('$(id)|a b; touch x|'.repeat(2));
      const stream = readFileSync(taken());
      const [, manifestBytes = '', bundleBytes = ''] = /^git-kv-mirror 1 1 (\d+) (\d+)\n/.exec(stream.toString('latin1')) ?? [];
      const from = stream.indexOf('\n') + 1;
      const { manifest: first } = parseManifestFile(stream.subarray(from, from + Number(manifestBytes)), 'stream');
      expect(first.bundle?.size).to.equal(Number(bundleBytes));
      const next = from + Number(manifestBytes) + Number(bundleBytes);
      expect(stream.subarray(next, next + 18).toString()).to.equal('git-kv-mirror 1 2 ');
      expect(readdirSync(outbox())).to.deep.equal([]);
      expect([...(await target.refs(['refs/*']))]).to.deep.equal([['refs/kv/main', c]]);
    });

    it('says what it said when it has not taken one, shows nothing of it, and sends the same again', async () => {
      const command = [program(`cat >> ${taken()}; test -e ${taken()}.ready || { echo "no room: \\033[2J" >&2; exit 1; }`)];
      const target = await bench.open({ command });
      const error = await thrownBy(target.push([{ ref: 'refs/kv/main', next: b }]));
      expect(error.code).to.equal('IO_ERROR');
      expect(error.message).to.contain('no room').and.not.contain('\u001b');
      expect((await target.refs(['refs/*'])).size).to.equal(0);
      const once = statSync(taken()).size;
      writeFileSync(`${taken()}.ready`, '');
      await (await bench.open({ command })).push([{ ref: 'refs/kv/main', next: c }]); // after a restart, more has come
      const stream = readFileSync(taken());
      expect(stream.subarray(0, once).equals(stream.subarray(once, 2 * once))).to.equal(true);
      expect(stream.subarray(2 * once).toString('latin1')).to.match(/^git-kv-mirror 1 2 /);
      expect([...(await target.refs(['refs/*']))]).to.deep.equal([['refs/kv/main', c]]);
    });

    it('calls a program that reads half, and one that is not there, IO_ERROR', async () => {
      for (const command of [[program('exit 0')], [bench.sandbox.path('nowhere')]]) {
        const blob = bench.sandbox.run('git', ['-C', bench.stargate, 'hash-object', '-w', '--stdin'], randomText(500_000));
        const tree = bench.sandbox.run('git', ['-C', bench.stargate, 'mktree'], `100644 blob ${blob.toString().trim()}\tlarge\n`);
        const next = bench.sandbox.git(bench.stargate, 'commit-tree', '-p', a, '-m', 'large', tree.toString().trim());
        expect((await thrownBy((await bench.open({ command })).push([{ ref: 'refs/kv/main', next }]))).code).to.equal('IO_ERROR');
        rmSync(outbox(), { recursive: true, force: true });
      }
    });
  });
});

/** Text that no pack makes small. */
function randomText(length: number): string {
  let seed = 1;
  const next = (): number => {
    seed = (seed * 48_271) % 0x7fffffff;
    return seed;
  };
  return Array.from({ length }, () => String.fromCharCode(33 + (next() % 90))).join('');
}
