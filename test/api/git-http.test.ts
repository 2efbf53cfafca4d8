import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { HttpListener } from '../../apps/http/listen.js';
import { isolatedEnv } from '../support/worlds/isolated-env.js';
import { leaveOut, sayLeftOut } from '../support/needs/needs.js';
import { THOROUGH } from '../support/needs/thorough.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';
import { CLONE_BY_DULWICH, CLONE_BY_JGIT, CLONE_BY_PYGIT2 } from './clone-programs.js';
import { type TestApi, testApi } from './support.js';

const run = promisify(execFile);
const AUTHOR = { name: 'Dev', email: 'dev@example.com' };

/** What git says, and whether it was content. */
interface Said {
  readonly ok: boolean;
  readonly out: string;
}

describe('api: git over HTTP', () => {
  let folder: Temporary;
  let t: TestApi;
  let listener: HttpListener;
  let source: string;
  const keys: Record<string, string> = {};

  const git = async (...args: readonly string[]): Promise<Said> => {
    const env = { ...isolatedEnv(folder.path, 'Dev'), GIT_TRACE_CURL: '0' };
    try {
      const { stdout, stderr } = await run('git', args, { env, cwd: folder.path, encoding: 'utf8' });
      return { ok: true, out: stdout + stderr };
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string }; // how execFile fails
      return { ok: false, out: stdout + stderr };
    }
  };
  const must = async (...args: readonly string[]): Promise<string> => {
    const { ok, out } = await git(...args);
    expect(ok, `git ${args.join(' ')}: ${out}`).to.equal(true);
    return out.trim();
  };
  const url = (repo: string, who = 'dev'): string => {
    const login = who === '' ? '' : `${who}:${keys[who]}@`;
    return `http://${login}127.0.0.1:${listener.port}/git/${repo}.git`;
  };
  const create = async (id: string, more: object = {}): Promise<void> => {
    expect((await t.ask('POST', '/api/v1/repos', { id, ...more })).status).to.equal(201);
  };
  const commit = async (repository: string, path: string, content: string): Promise<void> => {
    await mkdir(join(folder.path, repository, path, '..'), { recursive: true });
    await writeFile(join(folder.path, repository, path), content);
    await must('-C', repository, 'add', '-A');
    await must('-C', repository, 'commit', '-qm', `change ${path}`);
  };
  const sound = async (clone: string): Promise<void> => {
    const { ok, out } = await git('-C', clone, 'fsck', '--strict', '--no-dangling');
    expect(ok, out).to.equal(true);
    expect(out.replace(/^.*Checking.*\n/gm, '').trim()).to.equal('');
  };

  before(async () => {
    folder = await temporaryFolder();
    t = await testApi({ GIT_KV_API_PORT: '0', GIT_KV_API_DATA: join(folder.path, 'data') });
    listener = await t.api.listen();
    for (const [username, role] of [
      ['dev', 'developer'],
      ['eve', 'reader'],
    ] as const) {
      await t.ask('POST', '/api/v1/users', {
        username,
        email: `${username}@example.com`,
        password: 'a long password',
        roles: [role],
      });
      const token = await t.login(username, 'a long password');
      const permissions = role === 'developer' ? ['repo:read', 'repo:write'] : ['repo:read'];
      keys[username] = (await t.ask('POST', '/api/v1/auth/apikeys', { name: 'git', permissions }, { token })).body.key;
    }
    source = 'source';
    await must('init', '-q', '-b', 'main', source);
    // Long enough for deltas, wide and deep enough for trees of trees.
    for (let i = 0; i < 6; i++)
      await commit(source, `d${i % 2}/e/f${i % 3}.txt`, Array.from({ length: 40 }, (_, n) => `line ${n * (i + 1)}`).join('\n'));
    await must('-C', source, 'tag', '-a', 'v1', '-m', 'one', 'HEAD~2');
  });
  after(async () => {
    await listener.close(0);
    await t.close();
    await folder.remove();
  });

  for (const version of ['0', '2']) {
    it(`clones, shallowly too, deepens and fetches in protocol v${version}`, async () => {
      const repo = `r${version}`;
      await create(repo, { memory_only: true });
      await must('-C', source, 'push', '-q', url(repo), 'main', 'v1');
      const own = ['-c', `protocol.version=${version}`];
      const clone = `clone${version}`;
      await must(...own, 'clone', '-q', url(repo, 'eve'), clone);
      await sound(clone);
      expect(await must('-C', clone, 'rev-parse', 'HEAD', 'v1')).to.equal(await must('-C', source, 'rev-parse', 'HEAD', 'v1'));
      expect(await must('-C', clone, 'symbolic-ref', 'HEAD')).to.equal('refs/heads/main');
      const shallow = `shallow${version}`;
      const count = async (): Promise<string> => must('-C', shallow, 'rev-list', '--count', 'HEAD');
      await must(...own, 'clone', '-q', '--depth', '2', url(repo), shallow);
      expect(await count()).to.equal('2');
      await sound(shallow);
      await must('-C', shallow, ...own, 'fetch', '-q', '--deepen', '1');
      expect(await count()).to.equal('3');
      await must(...own, 'clone', '-q', '--shallow-exclude=v1', '--no-tags', url(repo), `since${version}`);
      expect(await must('-C', `since${version}`, 'rev-list', '--count', 'HEAD')).to.equal('2');
      // What was pushed meanwhile comes alone, as deltas of what is there, to a clone of everything and to one of the end.
      await must('-C', clone, 'checkout', '-qb', 'topic', 'HEAD~1');
      await commit(clone, 'd0/e/f0.txt', `${'line 0\n'.repeat(60)}new`);
      await must('-C', clone, ...own, 'push', '-q', url(repo), 'topic');
      await must('-C', shallow, ...own, 'fetch', '-q', url(repo), 'topic:topic');
      await must('-C', source, ...own, 'fetch', '-q', url(repo), `topic:topic${version}`);
      await sound(shallow);
      await must('-C', shallow, ...own, 'fetch', '-q', '--unshallow');
      expect(await count()).to.equal('6');
      await sound(shallow);
      await sound(source);
    });
  }

  it('leaves out of a partial clone what git leaves out, and sends it when it is needed', async () => {
    await create('partial', { memory_only: true });
    await must('clone', '-q', '--bare', '--single-branch', '-b', 'main', source, 'partial.git');
    for (const key of ['uploadpack.allowFilter', 'uploadpack.allowAnySHA1InWant'])
      await must('-C', 'partial.git', 'config', key, 'true');
    // A tree that stands twice, once as deep as nothing is sent of it and once higher.
    await must('clone', '-q', 'partial.git', 'twice');
    await commit('twice', 'a/b/c/d/deep.txt', 'deep');
    await commit('twice', 'c/d/deep.txt', 'deep');
    await commit('twice', 'large.txt', 'x'.repeat(5000));
    await must('-C', 'twice', 'push', '-q', join(folder.path, 'partial.git'), 'main');
    await must('-C', 'partial.git', 'push', '-q', url('partial'), 'main', 'v1');
    const objects = async (clone: string): Promise<string> =>
      must('-C', clone, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)');
    const filters = ['blob:none', 'blob:limit=1k', 'tree:0', 'tree:4'];
    for (const [i, filter] of filters.entries()) {
      const clone = async (name: string, from: string): Promise<string> => {
        await must('-c', `protocol.version=${i % 2 === 0 ? 2 : 0}`, 'clone', '-qn', `--filter=${filter}`, from, name);
        return objects(name);
      };
      const theirs = await clone(`theirs${i}`, `file://${join(folder.path, 'partial.git')}`);
      expect(await clone(`partial${i}`, url('partial')), filter).to.equal(theirs);
      // What it lacks comes by itself, tree by tree and file by file.
      await must('-C', `partial${i}`, 'checkout', '-q', 'main');
      expect(await must('-C', `partial${i}`, 'show', 'v1:d0/e/f0.txt')).to.match(/line 0/);
    }
    await commit('twice', 'd0/e/f0.txt', `${'line 0\n'.repeat(60)}newest`);
    await must('-C', 'twice', 'push', '-q', url('partial'), 'main');
    await must('-C', 'partial0', 'pull', '-q', '--ff-only');
    expect(await must('-C', 'partial0', 'show', 'HEAD:d0/e/f0.txt')).to.match(/newest$/);
    await sound('partial0');
    for (const [filter, wanted] of [
      ['sparse:oid=main:x', /the filter 'sparse:oid=main:x' is not served here/],
      ['object:type=tag', /is not served here/],
    ] as const)
      expect((await git('clone', '-q', `--filter=${filter}`, url('partial'), 'refused')).out, filter).to.match(wanted);
  });

  it('serves SHA-256, an empty repository, and refs that a client names alone', async () => {
    await create('sha', { memory_only: true, object_format: 'sha256' });
    await must('clone', '-q', url('sha'), 'empty');
    expect(await must('-C', 'empty', 'symbolic-ref', 'HEAD')).to.equal('refs/heads/main');
    await must('init', '-q', '--object-format=sha256', '-b', 'main', 'wide');
    await commit('wide', 'a', 'a');
    await must('-C', 'wide', 'push', '-q', url('sha'), 'main', 'main:refs/notes/x');
    await must('clone', '-q', url('sha'), 'wide-clone');
    await sound('wide-clone');
    expect(await must('ls-remote', url('sha'), 'refs/notes/*')).to.match(/^[0-9a-f]{64}\trefs\/notes\/x$/);
  });

  it('takes pushes as a bare repository does', async () => {
    await create('push', { memory_only: true });
    const at = url('push');
    const push = (...args: readonly string[]) => git('-C', source, 'push', at, ...args);
    expect((await push('-o', 'ci.skip', 'main', 'main:topic')).ok).to.equal(true);
    expect((await push('main~1:topic')).out).to.match(/rejected.*non-fast-forward|fetch first/);
    expect((await push('--force', 'main~1:topic')).out).to.include('forced update');
    expect((await push('--atomic', 'main:refs/heads/one', ':refs/heads/main')).out).to.match(/one.*atomic|main.*current branch/);
    expect(await must('ls-remote', at, 'one')).to.equal('');
    expect((await push('--delete', 'topic')).out).to.include('[deleted]');
    expect((await push(':main')).out).to.include('deletion of the current branch prohibited');
    expect((await push('HEAD:refs/heads/x/y')).ok).to.equal(true);
    expect((await push('HEAD:refs/heads/x')).ok).to.equal(false);
    const { body } = await t.ask('GET', '/api/v1/repos/push/branches');
    expect(body.branches.map(({ name }: { name: string }) => name)).to.deep.equal(['main', 'x/y']);
    // The API and git see each other's commits.
    await t.ask('POST', '/api/v1/repos/push/files', { path: 'api.txt', content: 'x' });
    const made = await t.ask('POST', '/api/v1/repos/push/commits', { message: 'api', author: AUTHOR });
    expect(await must('ls-remote', at, 'main')).to.equal(`${made.body.hash}\trefs/heads/main`);
  });

  it('asks who it is, by Basic, and lets nobody do more than the API does', async () => {
    await create('guarded', { memory_only: true });
    const { headers, status, body } = await t.ask('GET', '/git/guarded.git/info/refs?service=git-upload-pack', undefined, {
      token: null,
    });
    expect([status, headers['www-authenticate']]).to.deep.equal([401, 'Basic realm="git-kv-api", charset="UTF-8"']);
    expect(body).to.be.a('string');
    expect((await git('ls-remote', url('guarded', ''))).out).to.match(/could not read Username/);
    const asked = async (service: string, who: string, password: string, pass = 'Basic'): Promise<number> => {
      const authorization =
        pass === 'Basic' ? `Basic ${Buffer.from(`${who}:${password}`).toString('base64')}` : `${pass} ${password}`;
      const path = `/git/guarded.git/info/refs?service=${service}`;
      return (await t.ask('GET', path, undefined, { token: null, headers: { authorization } })).status;
    };
    const [read, write] = ['git-upload-pack', 'git-receive-pack'];
    const token = await t.login('eve', 'a long password');
    const table: [string, string, string, number][] = [
      [read, 'eve', keys['eve'] ?? '', 200],
      [write, 'eve', keys['eve'] ?? '', 403],
      [read, 'eve', token, 200],
      [write, 'eve', token, 403],
      [write, 'dev', keys['dev'] ?? '', 200],
      [read, 'dev', keys['eve'] ?? '', 401],
      [read, '', keys['eve'] ?? '', 401],
      [read, 'eve', 'a long password', 401],
      [read, 'eve', '', 401],
      ['git-evil', 'dev', keys['dev'] ?? '', 400],
    ];
    for (const [service, who, password, wanted] of table)
      expect(await asked(service, who, password), `${service} ${who}`).to.equal(wanted);
    expect(await asked(read, '', token, 'Bearer')).to.equal(200);
    expect((await git('-C', source, 'push', url('guarded', 'eve'), 'main')).out).to.match(/403|denied/i);
    await t.ask('PUT', '/api/v1/users/eve/grants/guarded', { permissions: ['repo:read', 'repo:write'] });
    expect((await git('-C', source, 'push', url('guarded', 'eve'), 'main')).ok).to.equal(false);
    expect(await asked(write, 'eve', token)).to.equal(200);
    expect((await git('clone', url('nothing'), 'nothing')).out).to.match(/not found/);
    expect((await t.ask('GET', '/git/guarded.git/info/refs')).status).to.equal(400);
    const odd = { headers: { 'content-type': 'application/x-git-upload-pack-request' } };
    expect((await t.ask('POST', '/git/guarded.git/git-receive-pack', '0000', odd)).status).to.equal(415);
    expect((await t.ask('POST', '/git/guarded.git/git-upload-pack', {})).status).to.equal(415);
  });

  it('unpacks a packed request, and no bomb', async () => {
    await create('packed', { memory_only: true });
    const { gzipSync } = await import('node:zlib');
    const type = { 'content-type': 'application/x-git-upload-pack-request', 'content-encoding': 'gzip' };
    const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024));
    expect((await t.ask('POST', '/git/packed.git/git-upload-pack', bomb, { headers: type })).status).to.equal(413);
    const odd = await t.ask('POST', '/git/packed.git/git-upload-pack', Buffer.from('0000'), { headers: type });
    expect([odd.status, odd.headers['content-type']]).to.deep.equal([400, 'text/plain; charset=utf-8']);
    const lines = Buffer.from('0014command=ls-refs\n0000');
    const asked = { headers: { ...type, 'git-protocol': 'version=2' } };
    expect((await t.ask('POST', '/git/packed.git/git-upload-pack', gzipSync(lines), asked)).status).to.equal(200);
  });

  it('lets go of a repository when its client goes away in the middle of an answer', async () => {
    await create('left', { memory_only: true });
    const large = Array.from({ length: 400_000 }, (_, i) => String.fromCharCode(33 + (((i * 2_654_435_761) >>> 22) % 89))).join(
      '',
    );
    for (let i = 0; i < 30; i++)
      expect((await t.ask('POST', '/api/v1/repos/left/files', { path: `f${i}`, content: `${i}${large}` })).status).to.equal(201);
    const { body } = await t.ask('POST', '/api/v1/repos/left/commits', { message: 'm', author: AUTHOR });
    const lines = Buffer.from(`0032want ${body.hash}\n00000009done\n`);
    const login = Buffer.from(`dev:${keys['dev']}`).toString('base64');
    const head = ['POST /git/left.git/git-upload-pack HTTP/1.1', 'Host: x', `Authorization: Basic ${login}`];
    head.push('Content-Type: application/x-git-upload-pack-request', `Content-Length: ${lines.length}`, '', '');
    const socket = connect(listener.port, '127.0.0.1');
    socket.write(Buffer.concat([Buffer.from(head.join('\r\n')), lines]));
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString('latin1')).to.match(/^HTTP\/1\.1 200/);
    expect(t.api.context.pool.stats().in_use).to.equal(1);
    socket.destroy();
    while (t.api.context.pool.stats().in_use > 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await t.ask('DELETE', '/api/v1/repos/left')).status).to.equal(200);
  });

  it('keeps what it has acknowledged, and tells of it', async () => {
    await create('kept');
    const events: string[] = [];
    const stop = t.api.context.pool.events('kept').listen((event) => events.push(`${event?.reason} ${event?.ref}`));
    await must('-C', source, 'push', '-q', url('kept'), 'main');
    const bare = join(folder.path, 'data/repos/kept.git');
    expect(await must('--git-dir', bare, 'rev-parse', 'main')).to.equal(await must('-C', source, 'rev-parse', 'main'));
    await sound(bare);
    expect(events).to.deep.equal(['push refs/heads/main']);
    stop();
  });

  it('refuses a push that has no room, in words that git shows', async () => {
    const own = await testApi({ GIT_KV_API_PORT: '0', GIT_KV_API_MEMORY_MAX_REPOSITORY: '1KiB' });
    const small = await own.api.listen();
    try {
      await own.ask('POST', '/api/v1/repos', { id: 'small' });
      const header = `http.extraHeader=Authorization: Bearer ${await own.login('admin', own.password)}`;
      const { out } = await git('-C', source, '-c', header, 'push', `http://127.0.0.1:${small.port}/git/small.git`, 'main');
      expect(out)
        .to.match(/remote: error: no room in memory/)
        .and.match(/main.*unpacker error/);
    } finally {
      await small.close(0);
      await own.close();
    }
  });

  for (const [library, program] of [
    ['dulwich', CLONE_BY_DULWICH],
    ['pygit2', CLONE_BY_PYGIT2],
  ] as const) {
    it(`serves ${library}`, async function () {
      const python = '/usr/bin/python3';
      const isThere = await run(python, ['-c', `import ${library}`]).then(
        () => true,
        () => false,
      );
      if (!isThere) leaveOut(this, `python3-${library}`);
      const repo = `by-${library}`;
      await create(repo, { memory_only: true });
      await must('-C', source, 'push', '-q', url(repo), 'main', 'v1');
      const env = isolatedEnv(folder.path, 'Dev');
      const where = [`http://127.0.0.1:${listener.port}/git/${repo}.git`, 'dev', keys['dev'] ?? '', join(folder.path, repo)];
      await run(python, ['-c', program, ...where], { env });
      await sound(repo);
      expect(await must('-C', repo, 'rev-list', '--count', 'main')).to.equal('7');
      expect(await must('ls-remote', url(repo), 'main')).to.include(await must('-C', repo, 'rev-parse', 'main'));
    });
  }

  it('serves jgit', async function () {
    this.timeout(60_000);
    if (!THOROUGH) {
      console.log('      skipped: jgit is tried with GIT_KV_THOROUGH=1');
      return this.skip();
    }
    const jar = '/usr/share/java/org.eclipse.jgit.jar';
    const modules = await run('java', ['--list-modules']).catch(() => ({ stdout: '' }));
    // No package of the tests: with a Java that compiles, it is half a gigabyte.
    if (!existsSync(jar) || !modules.stdout.includes('jdk.compiler')) return sayLeftOut(this, 'libjgit-java, and a JDK');
    await create('by-jgit', { memory_only: true });
    await must('-C', source, 'push', '-q', url('by-jgit'), 'main', 'v1');
    const program = join(folder.path, 'Trial.java');
    await writeFile(program, CLONE_BY_JGIT);
    const where = [`http://127.0.0.1:${listener.port}/git/by-jgit.git`, 'dev', keys['dev'] ?? '', join(folder.path, 'by-jgit')];
    await run('java', ['-cp', `${jar}:/usr/share/java/slf4j-api.jar`, program, ...where], {
      env: isolatedEnv(folder.path, 'Dev'),
    });
    await sound('by-jgit');
    expect(await must('-C', 'by-jgit', 'rev-list', '--count', 'main')).to.equal('7');
    expect(await must('ls-remote', url('by-jgit'), 'main')).to.include(await must('-C', 'by-jgit', 'rev-parse', 'main'));
    return undefined;
  });
});
