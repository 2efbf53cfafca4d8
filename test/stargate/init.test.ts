import { expect } from 'chai';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../ports/error.js';
import { initRepository, type InitRequest } from '../../apps/stargate/repository/init.js';
import { gitPretending } from '../old-git.js';
import { files, Sandbox } from './support.js';

const sound = async (): Promise<void> => undefined;

async function refused(work: Promise<unknown>): Promise<KvError> {
  try {
    await work;
  } catch (error) {
    if (KvError.is(error)) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('stargate: init', () => {
  let sandbox: Sandbox;
  let request: InitRequest;
  const git = (...args: string[]): Promise<string> => sandbox.git('--git-dir', request.repo, ...args);

  beforeEach(async () => {
    sandbox = await Sandbox.create();
    const mirrorUrl = join(sandbox.path, 'mirror.git');
    await sandbox.git('init', '--quiet', '--bare', '-b', 'trunk', mirrorUrl);
    const admins = [`${await sandbox.key('ada')}.pub`];
    request = {
      repo: join(sandbox.path, 'shop.git'),
      mirrorUrl,
      hash: 'sha1',
      pushUrl: null,
      admins,
      writers: [],
      readers: [],
      namespaces: ['main'],
    };
  });
  afterEach(() => sandbox.dispose());

  /** Gives the mirror a branch, a tag and a ledger. */
  async function fillMirror(): Promise<string> {
    const tree = await sandbox.git('--git-dir', request.mirrorUrl, 'hash-object', '-t', 'tree', '-w', '/dev/null');
    const oid = await sandbox.git('--git-dir', request.mirrorUrl, 'commit-tree', tree, '-m', 'first');
    for (const ref of [
      'refs/heads/trunk',
      'refs/tags/v1',
      'refs/kv/main',
      'refs/kv-index/main',
      'refs/kv-mirror/main',
      'refs/pull/1/head',
    ]) {
      await sandbox.git('--git-dir', request.mirrorUrl, 'update-ref', ref, oid);
    }
    return oid;
  }

  for (const hash of ['sha1', 'sha256'] as const) {
    it(`makes a ${hash} repository, and changes nothing the second time`, async () => {
      request = { ...request, hash, mirrorUrl: join(sandbox.path, `${hash}.git`) };
      await sandbox.git('init', '--quiet', '--bare', `--object-format=${hash}`, request.mirrorUrl);
      const outcome = await initRepository(request, sound);
      expect(outcome.kind).to.equal('created');
      expect(await git('rev-parse', '--show-object-format')).to.equal(hash);
      expect(await git('symbolic-ref', 'HEAD')).to.equal('refs/heads/main');
      expect((await git('config', '--get-all', 'remote.github-origin.push')).split('\n')).to.have.length(8);
      expect(
        await git('cat-file', '-t', await sandbox.git('--git-dir', request.repo, 'hash-object', '-t', 'tree', '/dev/null')),
      ).to.equal('tree');
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
    const error = await refused(initRepository({ ...request, namespaces: ['other'], pushUrl: 'ssh://git@h/x.git' }, sound));
    expect(error.code).to.equal('CONFIG_INVALID');
    expect(error.message).to.contain('--ns: it was main, and is other').and.to.contain('--push-url');
    expect(await readFile(join(request.repo, '.kv', 'policy.yaml'), 'utf8')).to.equal(policy);
  });

  it('refuses an old git before it makes anything', async () => {
    const path = process.env['PATH'] ?? '';
    process.env['PATH'] = gitPretending(sandbox.path, path, '2.33.8');
    const before = await files(sandbox.path);
    const error = await refused(initRepository(request, sound)).finally(() => {
      process.env['PATH'] = path;
    });
    expect(error.code).to.equal('CONFIG_INVALID');
    expect(error.message).to.contain('git 2.33.8 is too old');
    expect((await files(sandbox.path)).filter((file) => !before.includes(file) && !file.endsWith('calls'))).to.deep.equal([]);
  });

  it('takes a mirror over: branches, tags, kv refs and the default branch', async () => {
    const oid = await fillMirror();
    const verified: string[] = [];
    const outcome = await initRepository(request, async (_context, ns) => void verified.push(ns));
    expect(outcome.kind === 'created' && outcome.adopted).to.deep.equal({
      refs: 4,
      namespaces: ['main'],
      head: 'refs/heads/trunk',
    });
    expect(verified).to.deep.equal(['main']);
    expect((await git('for-each-ref', '--format=%(refname) %(objectname)')).split('\n')).to.deep.equal(
      ['refs/heads/trunk', 'refs/kv-index/main', 'refs/kv/main', 'refs/tags/v1'].map((ref) => `${ref} ${oid}`),
    );
    expect(await git('symbolic-ref', 'HEAD')).to.equal('refs/heads/trunk');
  });

  it('refuses kv refs that do not verify, and leaves nothing', async () => {
    await fillMirror();
    const before = await files(sandbox.path);
    const error = await refused(
      initRepository(request, async () => {
        throw new KvError('ATTESTATION_MISMATCH', 'commit abc has no trailers');
      }),
    );
    expect(error.code).to.equal('SYNC_REFUSED');
    expect(error.message).to.contain('namespace main').and.to.contain('no trailers');
    expect(await files(sandbox.path)).to.deep.equal(before);
  });

  it('refuses an unreachable mirror, another object format and a folder of somebody else', async () => {
    expect((await refused(initRepository({ ...request, mirrorUrl: join(sandbox.path, 'nowhere') }, sound))).code).to.equal(
      'IO_ERROR',
    );
    expect((await refused(initRepository({ ...request, hash: 'sha256' }, sound))).hint).to.equal('run init with --hash sha1');
    await fillMirror();
    expect((await refused(initRepository({ ...request, hash: 'sha256' }, sound))).hint).to.equal('run init with --hash sha1');
    expect((await refused(initRepository({ ...request, repo: request.mirrorUrl }, sound))).code).to.equal('CONFIG_INVALID');
    await expectNothing(request.repo);
  });

  it('refuses a private key and a file that holds no key', async () => {
    const secret = request.admins[0]?.replace(/\.pub$/, '') ?? '';
    expect((await refused(initRepository({ ...request, admins: [secret] }, sound))).code).to.equal('CONFIG_INVALID');
    const junk = join(sandbox.path, 'junk.pub');
    await writeFile(junk, 'hello\n');
    expect((await refused(initRepository({ ...request, writers: [junk] }, sound))).message).to.contain('junk.pub');
    await expectNothing(request.repo);
  });
});

async function expectNothing(path: string): Promise<void> {
  const there = await stat(path).then(
    () => true,
    () => false,
  );
  expect(there, path).to.equal(false);
}
