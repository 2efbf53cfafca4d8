import { expect } from 'chai';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { KvError } from '../../ports/error.js';
import { initRepository, type InitRequest } from '../../apps/stargate/init.js';
import { gitPretending } from '../support/programs/old-git.js';
import { refusal } from '../support/failure.js';
import { files } from '../support/files.js';
import { HOST_KEYS } from '../support/root.js';
import { Sandbox } from '../support/worlds/sandbox.js';

const sound = async (): Promise<void> => undefined;

describe('stargate: init', () => {
  let sandbox: Sandbox;
  let request: InitRequest & { readonly mirrorUrl: string };
  const git = (...args: string[]): string => sandbox.git(request.repo, ...args);

  beforeEach(async () => {
    sandbox = new Sandbox();
    const mirrorUrl = sandbox.path('mirror.git');
    sandbox.run('git', ['init', '--quiet', '--bare', '-b', 'trunk', mirrorUrl]);
    const admins = [`${sandbox.key('ada')}.pub`];
    request = {
      repo: sandbox.path('shop.git'),
      mirrorUrl,
      hash: 'sha1',
      pushUrl: null,
      admins,
      writers: [],
      readers: [],
      namespaces: ['main'],
      hostKeys: HOST_KEYS,
    };
  });
  afterEach(() => sandbox.remove());

  /** Gives the mirror a branch, a tag and a ledger. */
  function fillMirror(): string {
    const tree = sandbox.git(request.mirrorUrl, 'hash-object', '-t', 'tree', '-w', '/dev/null');
    const oid = sandbox.git(request.mirrorUrl, 'commit-tree', tree, '-m', 'first');
    for (const ref of [
      'refs/heads/trunk',
      'refs/tags/v1',
      'refs/kv/main',
      'refs/kv-index/main',
      'refs/kv-mirror/main',
      'refs/pull/1/head',
    ]) {
      sandbox.git(request.mirrorUrl, 'update-ref', ref, oid);
    }
    return oid;
  }

  for (const hash of ['sha1', 'sha256'] as const) {
    it(`makes a ${hash} repository, and changes nothing the second time`, async () => {
      request = { ...request, hash, mirrorUrl: sandbox.path(`${hash}.git`) };
      sandbox.run('git', ['init', '--quiet', '--bare', `--object-format=${hash}`, request.mirrorUrl]);
      const outcome = await initRepository(request, sound);
      expect(outcome.kind).to.equal('created');
      expect(git('rev-parse', '--show-object-format')).to.equal(hash);
      expect(git('symbolic-ref', 'HEAD')).to.equal('refs/heads/main');
      expect(git('config', '--get-all', 'remote.github-origin.push').split('\n')).to.have.length(9);
      expect(git('cat-file', '-t', sandbox.git(request.repo, 'hash-object', '-t', 'tree', '/dev/null'))).to.equal('tree');
      expect((await stat(join(request.repo, '.stargate'))).mode & 0o777).to.equal(0o700);
      expect((await stat(join(request.repo, '.stargate', 'ssh_host_ed25519_key'))).mode & 0o777).to.equal(0o600);
      const before = await files(request.repo);
      expect((await initRepository(request, sound)).kind).to.equal('unchanged');
      expect(await files(request.repo)).to.deep.equal(before);
    });
  }

  it('says what differs when it is run with other settings', async () => {
    await initRepository(request, sound);
    const policy = await readFile(join(request.repo, '.kv', 'policy.yaml'), 'utf8');
    const error = await refusal(initRepository({ ...request, namespaces: ['other'], pushUrl: 'ssh://git@h/x.git' }, sound));
    expect(error.code).to.equal('CONFIG_INVALID');
    expect(error.message).to.contain('--ns: it was main, and is other').and.to.contain('--push-url');
    expect(await readFile(join(request.repo, '.kv', 'policy.yaml'), 'utf8')).to.equal(policy);
  });

  it('wants the push URL when the mirror is on another machine, and makes nothing without it', async () => {
    for (const mirrorUrl of ['git@github.com:your-org/kv.git', 'https://host/kv.git']) {
      const error = await refusal(initRepository({ ...request, mirrorUrl }, sound));
      expect(error.code).to.equal('USAGE');
      expect(error.message).to.contain('--push-url');
    }
    await expectNothing(request.repo);
  });

  it('refuses a namespace that no client could name', async () => {
    for (const ns of ['foo.', 'Foo', 'a..b', 'x.lock', '']) {
      const error = await refusal(initRepository({ ...request, namespaces: ['main', ns] }, sound));
      expect([error.code, error.message]).to.deep.equal(['USAGE', `'${ns}' is no namespace name`]);
      expect(error.hint).to.contain("no '.' or '.lock' at the end");
    }
    await expectNothing(request.repo);
  });

  it('shows no token of the mirror: not in what differs, nor in what git says, nor in what is refused', async () => {
    const server = createServer((_, response) => response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const far = { ...request, mirrorUrl: `http://TOKEN@127.0.0.1:${port}/x`, pushUrl: 'ssh://git@h/x.git' };
    const denied = await refusal(initRepository(far, sound)).finally(() => server.close());
    expect([denied.code, denied.message]).to.deep.equal([
      'IO_ERROR',
      `cannot read the mirror: fatal: could not read Password for 'http://127.0.0.1:${port}': terminal prompts disabled`,
    ]);
    await initRepository(request, sound);
    const differs = await refusal(
      initRepository({ ...request, mirrorUrl: 'https://TOKEN@host/x', pushUrl: 'ssh://git@h/x.git' }, sound),
    );
    expect(differs.message).to.match(/\n--mirror-remote: it was .*mirror\.git, and is https:\/\/host\/x$/m);
    const pushUrl = await refusal(initRepository({ ...request, pushUrl: 'ssh://git:TOKEN@host/x' }, sound));
    expect(pushUrl.message).to.equal("--push-url wants an SSH address, and got 'ssh://git@host/x'");
    for (const { message, hint, details } of [denied, differs, pushUrl])
      expect(JSON.stringify([message, hint, details])).not.to.contain('TOKEN');
  });

  it('begins a branch with a README where the mirror has none, here and there, and none where it has one', async () => {
    const outcome = await initRepository({ ...request, initialBranch: null }, sound);
    expect(outcome).to.deep.include({ kind: 'created', mirror: { branch: 'trunk', warnings: [] } });
    const main = git('rev-parse', 'refs/heads/trunk');
    expect([sandbox.git(request.mirrorUrl, 'rev-parse', 'refs/heads/trunk'), git('symbolic-ref', 'HEAD')]).to.deep.equal([
      main,
      'refs/heads/trunk',
    ]);
    expect(git('ls-tree', '--name-only', main)).to.equal('README.md');
    expect(sandbox.git(request.mirrorUrl, 'for-each-ref', '--format=%(refname)')).to.equal('refs/heads/trunk');
    const again = await initRepository({ ...request, initialBranch: 'other', repo: sandbox.path('second.git') }, sound);
    expect(again).to.deep.include({ mirror: { branch: null, warnings: [] } });
    const odd = { ...request, initialBranch: 'a b', repo: sandbox.path('third.git') };
    expect((await refusal(initRepository(odd, sound))).code).to.equal('USAGE');
  });

  it('says what the mirror does not take', async () => {
    const hook = join(request.mirrorUrl, 'hooks', 'update');
    await mkdir(join(request.mirrorUrl, 'hooks'), { recursive: true });
    const zeros = '0'.repeat(40);
    for (const [rule, denied, what] of [
      ['rewind', `[ "$3" = ${zeros} ] || [ "$2" = ${zeros} ] || git merge-base --is-ancestor "$2" "$3"`, 'takes no rewinding'],
      ['delete', `[ "$3" != ${zeros} ]`, 'lets no ref be deleted'],
    ] as const) {
      await writeFile(hook, `#!/bin/sh\n${denied} || { echo "FATAL: + $1 stargate kv DENIED by fallthru" >&2; exit 1; }\n`, {
        mode: 0o755,
      });
      const outcome = await initRepository({ ...request, repo: sandbox.path(`${rule}.git`) }, sound);
      const [warning] = outcome.kind === 'created' ? outcome.mirror.warnings : [];
      expect([rule, warning?.code, warning?.message]).to.satisfy(
        ([, code, message]: string[]) => code === 'CONFIG_INVALID' && message?.includes(what),
      );
    }
    await rm(hook);
    expect((await initRepository({ ...request, repo: sandbox.path('last.git') }, sound)) as object).to.deep.include({
      mirror: { branch: null, warnings: [] },
    });
  });

  it('needs no mirror where the profile has one of its own', async () => {
    const outcome = await initRepository({ ...request, mirrorUrl: null, initialBranch: 'main' }, sound);
    expect(outcome).to.deep.include({ mirror: { branch: 'main', warnings: [] } });
    expect(git('config', '--get-regexp', '^remote|^core.bare')).to.equal('core.bare true');
  });

  it('refuses an old git before it makes anything', async () => {
    const path = process.env['PATH'] ?? '';
    process.env['PATH'] = gitPretending(sandbox.folder, path, '2.33.8');
    const before = await files(sandbox.folder);
    const error = await refusal(initRepository(request, sound)).finally(() => {
      process.env['PATH'] = path;
    });
    expect(error.code).to.equal('CONFIG_INVALID');
    expect(error.message).to.contain('git 2.33.8 is too old');
    expect((await files(sandbox.folder)).filter((file) => !before.includes(file) && !file.endsWith('calls'))).to.deep.equal([]);
  });

  it('takes a mirror over: branches, tags, kv refs and the default branch', async () => {
    const oid = fillMirror();
    const verified: string[] = [];
    const outcome = await initRepository(request, async (_context, ns) => void verified.push(ns));
    expect(outcome.kind === 'created' && outcome.adopted).to.deep.equal({
      refs: 4,
      branches: 1,
      namespaces: ['main'],
      head: 'refs/heads/trunk',
      unborn: null,
    });
    expect(verified).to.deep.equal(['main']);
    expect(git('for-each-ref', '--format=%(refname) %(objectname)').split('\n')).to.deep.equal(
      ['refs/heads/trunk', 'refs/kv-index/main', 'refs/kv/main', 'refs/tags/v1'].map((ref) => `${ref} ${oid}`),
    );
    expect(git('symbolic-ref', 'HEAD')).to.equal('refs/heads/trunk');
  });

  it('refuses kv refs that do not verify, and leaves nothing', async () => {
    fillMirror();
    const before = await files(sandbox.folder);
    const error = await refusal(
      initRepository(request, async () => {
        throw new KvError('ATTESTATION_MISMATCH', 'commit abc has no trailers');
      }),
    );
    expect(error.code).to.equal('SYNC_REFUSED');
    expect(error.message).to.contain('namespace main').and.to.contain('no trailers');
    expect(await files(sandbox.folder)).to.deep.equal(before);
  });

  it('refuses an unreachable mirror, another object format and a folder of somebody else', async () => {
    expect((await refusal(initRepository({ ...request, mirrorUrl: sandbox.path('nowhere') }, sound))).code).to.equal('IO_ERROR');
    expect((await refusal(initRepository({ ...request, hash: 'sha256' }, sound))).hint).to.equal('run init with --hash sha1');
    fillMirror();
    expect((await refusal(initRepository({ ...request, hash: 'sha256' }, sound))).hint).to.equal('run init with --hash sha1');
    expect((await refusal(initRepository({ ...request, repo: request.mirrorUrl }, sound))).code).to.equal('CONFIG_INVALID');
    await expectNothing(request.repo);
  });

  it('refuses a private key and a file that holds no key', async () => {
    const secret = request.admins[0]?.replace(/\.pub$/, '') ?? '';
    expect((await refusal(initRepository({ ...request, admins: [secret] }, sound))).code).to.equal('CONFIG_INVALID');
    const junk = sandbox.path('junk.pub');
    await writeFile(junk, 'hello\n');
    expect((await refusal(initRepository({ ...request, writers: [junk] }, sound))).message).to.contain('junk.pub');
    // What the policy of the new repository could not list, or nobody could log in with.
    const key = (await readFile(request.admins[0] ?? '', 'utf8')).trim();
    for (const line of [`command="x" ${key}`, `${key}\u0007`, `${key}\n${key}`, key.slice(0, 60), wireKey('ssh-dss', 4)]) {
      await writeFile(junk, `${line}\n`);
      const error = await refusal(initRepository({ ...request, readers: [junk] }, sound));
      expect(error.message, line).to.contain('holds neither one SSH public key');
    }
    await writeFile(junk, wireKey('sk-ssh-ed25519@openssh.com', 2));
    expect((await refusal(initRepository({ ...request, writers: [junk] }, sound))).message).to.contain('a security key');
    await expectNothing(request.repo);
  });
});

/** A public key's line whose wire form has the type and some more strings. */
function wireKey(type: string, strings: number): string {
  const parts = [type, ...Array<string>(strings).fill('x'.repeat(32))].map(
    (text) => [Buffer.alloc(4), Buffer.from(text)] as const,
  );
  for (const [length, text] of parts) length.writeUInt32BE(text.length);
  return `${type} ${Buffer.concat(parts.flat()).toString('base64')} somebody`;
}

async function expectNothing(path: string): Promise<void> {
  const there = await stat(path).then(
    () => true,
    () => false,
  );
  expect(there, path).to.equal(false);
}
