import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { isolatedEnv } from '../support/worlds/isolated-env.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';
import { type TestApi, testApi } from './support.js';

const AUTHOR = { name: 'Dev', email: 'dev@example.com' };
const BUNDLE = { 'content-type': 'application/x-git-bundle' };

describe('api: repositories in and out', () => {
  let folder: Temporary;
  let t: TestApi;
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: folder.path, env: isolatedEnv(folder.path, 'Dev'), encoding: 'utf8', stdio: 'pipe' }).trim();
  const at = (...names: readonly string[]): string => join(folder.path, ...names);
  const commit = async (repo: string, path: string): Promise<string> => {
    await t.ask('POST', `/api/v1/repos/${repo}/files`, { path, content: path });
    return (await t.ask('POST', `/api/v1/repos/${repo}/commits`, { message: path, author: AUTHOR })).body.hash;
  };
  const bundle = async (repo: string): Promise<Buffer> => {
    const { headers } = await t.ask('GET', '/version');
    expect(headers).to.be.an('object');
    const authorization = `Bearer ${await t.login('admin', t.password)}`;
    const { rawPayload, statusCode } = await t.app.inject({
      url: `/api/v1/repos/${repo}/export/bundle`,
      headers: { authorization },
    });
    expect(statusCode).to.equal(200);
    return rawPayload;
  };
  const take = (repo: string, bytes: Uint8Array, query = '') =>
    t.ask('POST', `/api/v1/repos/${repo}/import/bundle${query}`, bytes, { headers: BUNDLE });

  before(async () => {
    folder = await temporaryFolder();
    mkdirSync(at('allowed'));
    mkdirSync(at('elsewhere'));
    t = await testApi({ GIT_KV_API_TRANSFER_FOLDERS: at('allowed') });
    for (const id of ['r', 'copy', 'other']) await t.ask('POST', '/api/v1/repos', { id, memory_only: true });
  });
  after(async () => {
    await t.close();
    await folder.remove();
  });

  it('go out as a bundle that git clones, and come in from one', async () => {
    await commit('r', 'a');
    await t.ask('POST', '/api/v1/repos/r/tags', { name: 'v1', message: 'one' });
    const tip = await commit('r', 'b');
    const bytes = await bundle('r');
    writeFileSync(at('r.bundle'), bytes);
    git('clone', '-q', at('r.bundle'), at('clone'));
    expect(git('-C', at('clone'), 'rev-parse', 'HEAD')).to.equal(tip);
    git('-C', at('clone'), 'fsck', '--strict');
    const once = { headers: { ...BUNDLE, 'idempotency-key': 'k' } };
    const { status, body } = await t.ask('POST', '/api/v1/repos/copy/import/bundle', bytes, once);
    expect([status, body.refs]).to.deep.equal([200, [{ ref: 'refs/heads/main' }, { ref: 'refs/tags/v1' }]]);
    expect((await t.ask('GET', '/api/v1/repos/copy/branches/main')).body.commit).to.equal(tip);
    // A repository of another branch, whose newest part comes in a bundle that builds on the rest.
    git('-C', at('clone'), 'checkout', '-qb', 'trunk');
    git('-C', at('clone'), 'commit', '-q', '--allow-empty', '-m', 'c');
    git('-C', at('clone'), 'bundle', 'create', '-q', at('part.bundle'), 'trunk', '^main');
    expect((await take('other', readFileSync(at('part.bundle')))).body.code).to.equal('INVALID_REQUEST');
    expect((await take('copy', readFileSync(at('part.bundle')))).body.count).to.equal(1);
    git('-C', at('clone'), 'bundle', 'create', '-q', at('trunk.bundle'), 'HEAD', 'trunk');
    expect((await take('other', readFileSync(at('trunk.bundle')))).status).to.equal(200);
    expect((await t.ask('GET', '/api/v1/repos/other')).body.current_branch).to.equal('trunk');
  });

  it('take no bundle that is none, damaged, or would go back, unless that is wanted', async () => {
    const bytes = await bundle('r');
    const before = await commit('copy', 'own');
    for (const [what, body] of Object.entries({
      nothing: Buffer.from(''),
      text: Buffer.from('hello\n\n'),
      'cut short': bytes.subarray(0, -1),
      'another byte': Buffer.from(bytes.map((byte, i) => (i === bytes.length - 30 ? byte ^ 1 : byte))),
    }))
      expect((await take('copy', body)).body.code, what).to.equal('INVALID_REQUEST');
    const back = await take('copy', bytes);
    expect([back.status, back.body.code]).to.deep.equal([409, 'CONFLICT']);
    expect(back.body.details.refs).to.deep.equal([
      { ref: 'refs/heads/main', why: 'non-fast-forward' },
      { ref: 'refs/tags/v1', why: 'atomic transaction failed' },
    ]);
    expect((await t.ask('GET', '/api/v1/repos/copy/branches/main')).body.commit).to.equal(before);
    expect((await take('copy', bytes, '?force=true')).status).to.equal(200);
    expect((await t.ask('GET', '/api/v1/repos/copy/branches/main')).body.commit).to.not.equal(before);
  });

  it('go to folders that the operator has named, and come from there, wherever links lead', async () => {
    const out = await t.ask('POST', '/api/v1/repos/r/export', { path: at('allowed', 'r.git') });
    expect([out.status, out.body.count]).to.deep.equal([200, 2]);
    git('--git-dir', at('allowed', 'r.git'), 'fsck', '--strict');
    await t.ask('POST', '/api/v1/repos', { id: 'back', memory_only: true });
    expect((await t.ask('POST', '/api/v1/repos/back/import', { path: at('allowed', 'r.git') })).body.count).to.equal(2);
    git('init', '-q', '--bare', at('elsewhere', 'secret.git'));
    symlinkSync(at('elsewhere', 'secret.git'), at('allowed', 'link.git'));
    symlinkSync(at('elsewhere'), at('allowed', 'link'));
    const table: [string, number][] = [
      [at('elsewhere', 'secret.git'), 403],
      [at('allowed', 'link.git'), 403],
      [at('allowed', 'link', 'secret.git'), 403],
      [at('allowed', 'link', 'new.git'), 403],
      [`${at('allowed')}/../elsewhere/secret.git`, 403],
      [at('allowed-not', 'x.git'), 403],
      [at('allowed'), 403],
      ['allowed/r.git', 400],
      [at('allowed', '-x'), 400],
      [`${at('allowed', 'r.git')}\0`, 400],
    ];
    for (const [path, status] of table)
      for (const verb of ['import', 'export'])
        expect((await t.ask('POST', `/api/v1/repos/back/${verb}`, { path })).status, `${verb} ${path}`).to.equal(status);
    expect((await t.ask('POST', '/api/v1/repos/back/import', { path: at('allowed', 'none.git') })).status).to.equal(404);
    const closed = await testApi();
    await closed.ask('POST', '/api/v1/repos', { id: 'x' });
    expect((await closed.ask('POST', '/api/v1/repos/x/export', { path: at('allowed', 'x.git') })).body.code).to.equal(
      'FORBIDDEN',
    );
    await closed.close();
  });
});

describe('api: a process that is killed', () => {
  it('has kept every commit and push that it has acknowledged, and the folder is free again', async function () {
    this.timeout(60_000);
    const folder = await temporaryFolder();
    const program = fileURLToPath(new URL('../../../bin/git-kv-api.js', import.meta.url));
    const env = {
      ...isolatedEnv(folder.path, 'Dev'),
      ...{ GIT_KV_API_DATA: join(folder.path, 'data'), GIT_KV_API_PORT: '0', GIT_KV_API_ANONYMOUS_ROLE: 'admin' },
      ...{ GIT_KV_API_PASSWORD_COST: '14', GIT_KV_API_LOG_LEVEL: 'ERROR' },
    };
    const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let said = '';
      for await (const bytes of child.stdout) {
        said += String(bytes);
        if (said.includes('listens on')) break;
      }
      const base = `${/http:\/\/\S+/.exec(said)?.[0]}/api/v1`;
      const post = async (path: string, body: object): Promise<{ hash: string }> => {
        const headers = { 'content-type': 'application/json' };
        const answer = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) });
        if (!answer.ok) throw new Error(await answer.text());
        return (await answer.json()) as { hash: string };
      };
      await post('/repos', { id: 'r' });
      let acknowledged = '';
      const write = async (): Promise<void> => {
        for (let i = 0; ; i++) {
          await post('/repos/r/files', { path: 'a', content: String(i) });
          acknowledged = (await post('/repos/r/commits', { message: String(i), author: AUTHOR })).hash;
          if (i === 20) child.kill('SIGKILL');
        }
      };
      await write().catch(() => undefined); // it ends with the process
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      const t = await testApi({ GIT_KV_API_DATA: join(folder.path, 'data'), GIT_KV_API_ANONYMOUS_ROLE: 'admin' });
      const { body } = await t.ask('GET', '/api/v1/repos/r/log?limit=1000', undefined, { token: null });
      expect(body.commits.map(({ hash }: { hash: string }) => hash)).to.include(acknowledged);
      expect(body.total).to.be.within(21, 22);
      await t.close();
      execFileSync('git', ['--git-dir', join(folder.path, 'data/repos/r.git'), 'fsck', '--strict'], { env, stdio: 'pipe' });
    } finally {
      child.kill('SIGKILL');
      await folder.remove();
    }
  });
});
