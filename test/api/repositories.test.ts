import { expect } from 'chai';
import { temporaryFolder } from '../support/temporary.js';
import { type TestApi, testApi } from './support.js';

const REPO = '/api/v1/repos/r';
const AUTHOR = { name: 'Dev', email: 'dev@example.com' };

describe('api: repositories', () => {
  let t: TestApi;
  before(async () => {
    t = await testApi();
  });
  after(() => t.close());
  beforeEach(async () => {
    expect((await t.ask('POST', '/api/v1/repos', { id: 'r', memory_only: true })).status).to.equal(201);
  });
  afterEach(() => t.ask('DELETE', REPO));

  const add = (path: string, content: string) => t.ask('POST', `${REPO}/files`, { path, content });
  const commit = async (message: string): Promise<string> => {
    const { status, body } = await t.ask('POST', `${REPO}/commits`, { message, author: AUTHOR });
    expect(status, JSON.stringify(body)).to.equal(201);
    return body.hash;
  };

  it('are created, listed, shown and deleted', async () => {
    const { body } = await t.ask('GET', REPO);
    expect(body).to.have.all.keys('id', 'path', 'current_branch', 'created_at');
    expect(body).to.include({ id: 'r', path: ':memory:', current_branch: 'main' });
    expect((await t.ask('GET', '/api/v1/repos')).body).to.deep.include({ repositories: [body], count: 1, total: 1 });
    const again = await t.ask('POST', '/api/v1/repos', { id: 'R' });
    expect(again).to.include({ status: 409 });
    expect(again.body).to.include({ code: 'REPO_EXISTS', status: 409 });
    expect(again.headers['content-type']).to.equal('application/problem+json');
    const kept = await t.ask('POST', '/api/v1/repos', { id: 'kept', memory_only: false });
    expect(kept.body.code).to.equal('INVALID_REQUEST');
    expect((await t.ask('GET', '/api/v1/repos/none')).body).to.include({
      code: 'REPO_NOT_FOUND',
      error: 'there is no such repository',
    });
  });

  it('refuse ids, paths, bodies and branches that are none', async () => {
    for (const id of ['', '.', '..', 'a/b', 'x.git', 'x.lock', '-a', 'a..b', 'a\u0000', 'ä', 'x'.repeat(101)])
      expect((await t.ask('POST', '/api/v1/repos', { id })).body.code, id).to.equal('INVALID_REQUEST');
    for (const path of ['../x', '/x', '.git/config', 'a\u0000', 'x'.repeat(5000), 'a//b', 'a/'])
      expect((await add(path, '')).body.code, path.slice(0, 20)).to.equal('INVALID_REQUEST');
    const json = { 'content-type': 'application/json' };
    for (const body of ['{', '[]', '"x"', '{"path":1,"content":""}', '{"path":"a","content":"","other":1}', '{"path":"a"}'])
      expect((await t.ask('POST', `${REPO}/files`, body, { headers: json })).body.code, body).to.equal('INVALID_REQUEST');
    await add('a', 'a');
    await commit('a');
    for (const name of ['', 'a b', '-x', 'a..b', 'x.lock', 'HEAD'])
      expect((await t.ask('POST', `${REPO}/branches`, { name })).body.code, name).to.equal('INVALID_REQUEST');
    expect((await t.ask('POST', `${REPO}/commits`, { message: 'nothing', author: AUTHOR })).body.code).to.equal(
      'NOTHING_TO_COMMIT',
    );
    expect((await t.ask('GET', `${REPO}/log?limit=x`)).body.code).to.equal('INVALID_REQUEST');
    expect((await t.ask('GET', `${REPO}/nothing`)).body.code).to.equal('NOT_FOUND');
  });

  it('stage, commit, read and list files', async () => {
    expect((await add('src/main.go', 'package main\n')).body).to.include({ status: 'success' });
    expect((await t.ask('GET', `${REPO}/status`)).body).to.deep.equal({
      ...{ branch: 'main', staged: ['src/main.go'], modified: [], untracked: [], clean: false },
    });
    const hash = await commit('Add main.go');
    await t.ask('PUT', `${REPO}/files/bin`, { content: Buffer.from([0, 255]).toString('base64'), encoding: 'base64' });
    await t.ask('POST', `${REPO}/files/move`, { from: 'src/main.go', to: 'main.go' });
    const second = await t.ask('POST', `${REPO}/commits`, { message: 'second', author: 'Ann', email: 'ann@example.com' });
    expect(second.body).to.deep.include({ message: 'second', author: 'Ann', email: 'ann@example.com', parent: hash });
    expect(second.body.timestamp).to.match(/^\d{4}-\d\d-\d\dT/);
    expect((await t.ask('GET', `${REPO}/files/main.go`)).body).to.deep.equal({
      ...{ path: 'main.go', content: 'package main\n', encoding: 'utf-8', size: 13 },
    });
    expect((await t.ask('GET', `${REPO}/files/bin`)).body).to.include({ content: 'AP8=', encoding: 'base64', size: 2 });
    expect((await t.ask('GET', `${REPO}/files/src/main.go?ref=${hash}`)).status).to.equal(200);
    expect((await t.ask('GET', `${REPO}/files/src/main.go`)).body.code).to.equal('NOT_FOUND');
    const { body: tree } = await t.ask('GET', `${REPO}/tree?ref=${hash}`);
    expect(tree).to.deep.equal({
      path: '',
      entries: [{ name: 'src', path: 'src', type: 'dir', size: 0, mode: '40000' }],
      total: 1,
    });
    const { body: log } = await t.ask('GET', `${REPO}/commits?limit=1`);
    expect(log.total).to.equal(2);
    expect(log.commits.map(({ message }: { message: string }) => message)).to.deep.equal(['second']);
    expect((await t.ask('GET', `${REPO}/show/${hash}`)).body.changes).to.deep.equal([{ path: 'src/main.go', status: 'added' }]);
    expect((await t.ask('GET', `${REPO}/diff?from=${hash}&to=HEAD&format=name-status`)).body.diff).to.include('A\tmain.go');
    const { body: blame } = await t.ask('GET', `${REPO}/blame/src/main.go?ref=${hash}`);
    expect(blame.lines[0]).to.include({
      line_number: 1,
      content: 'package main',
      commit_hash: hash,
      author: 'Dev',
      message: 'Add main.go',
    });
  });

  it('take a change only on top of what its writer has seen', async () => {
    const { headers } = await add('a', '1');
    const seen = { headers: { 'if-match': String(headers['etag']) } };
    expect((await t.ask('PUT', `${REPO}/files/a`, { content: '2' }, seen)).status).to.equal(200);
    const stale = await t.ask('PUT', `${REPO}/files/a`, { content: '3' }, seen);
    expect([stale.status, stale.body.code]).to.deep.equal([412, 'PRECONDITION_FAILED']);
    await commit('a');
    const { headers: branch } = await t.ask('GET', `${REPO}/branches/main`);
    await add('b', 'b');
    await commit('b');
    await add('c', 'c');
    const late = await t.ask('POST', `${REPO}/commits`, { message: 'c' }, { headers: { 'if-match': String(branch['etag']) } });
    expect(late.status).to.equal(412);
    const { headers: file } = await t.ask('GET', `${REPO}/files/a`);
    expect(
      (await t.ask('GET', `${REPO}/files/a`, undefined, { headers: { 'if-none-match': String(file['etag']) } })).status,
    ).to.equal(304);
  });

  it('answer a POST with its Idempotency-Key once', async () => {
    await add('a', '1');
    const once = { headers: { 'idempotency-key': 'k1' } };
    const body = { message: 'once', author: AUTHOR };
    const [first, second] = [
      await t.ask('POST', `${REPO}/commits`, body, once),
      await t.ask('POST', `${REPO}/commits`, body, once),
    ];
    expect(second.body).to.deep.equal(first.body);
    expect([first.status, second.status, second.headers['idempotent-replayed']]).to.deep.equal([201, 201, 'true']);
    expect((await t.ask('POST', `${REPO}/commits`, { ...body, message: 'other' }, once)).body.code).to.equal(
      'IDEMPOTENCY_KEY_REUSED',
    );
  });

  it('branch, tag, merge, and name the paths of conflicts', async () => {
    await add('a', '1\n');
    const base = await commit('base');
    expect((await t.ask('POST', `${REPO}/branches`, { name: 'topic/x' })).body).to.deep.equal({
      name: 'topic/x',
      commit: base,
      is_current: false,
    });
    await add('a', '2\n');
    await commit('main');
    expect((await t.ask('POST', `${REPO}/checkout`, { branch: 'topic/x' })).status).to.equal(200);
    await add('b', 'b');
    await commit('topic');
    const merged = await t.ask('POST', `${REPO}/merge`, { from: 'main' });
    expect([merged.status, merged.body.status]).to.deep.equal([200, 'merged']);
    await add('a', '3\n');
    const third = await commit('three');
    await t.ask('POST', `${REPO}/checkout`, { branch: 'main' });
    await add('a', '4\n');
    await commit('four');
    const clash = await t.ask('POST', `${REPO}/merge`, { from: 'topic/x' });
    expect([clash.status, clash.body.code, clash.body.details.paths]).to.deep.equal([409, 'CONFLICT', ['a']]);
    expect((await t.ask('GET', `${REPO}/branches`)).body).to.include({ current: 'main', count: 2 });
    expect((await t.ask('POST', `${REPO}/tags`, { name: 'v1', target: third, message: 'one' })).body).to.include({
      name: 'v1',
      commit: third,
    });
    expect((await t.ask('GET', `${REPO}/tags`)).body.count).to.equal(1);
    expect((await t.ask('POST', `${REPO}/revert`, { commit: 'HEAD' })).body.status).to.equal('merged');
    expect((await t.ask('POST', `${REPO}/reset`, { target: base, mode: 'hard' })).body.commit).to.equal(base);
    expect((await t.ask('POST', `${REPO}/cherry-pick`, { commit: third })).body.details.paths).to.deep.equal(['a']);
    expect((await t.ask('DELETE', `${REPO}/branches/topic/x`)).status).to.equal(200);
    expect((await t.ask('DELETE', `${REPO}/branches/main`)).body.code).to.equal('INVALID_REQUEST');
  });

  it('search, and travel in time', async () => {
    await add('docs/a.md', 'one\nneedle here\n');
    await commit('Add needle');
    expect((await t.ask('GET', `${REPO}/search/content?q=needle`)).body.matches[0]).to.include({ path: 'docs/a.md', line: 2 });
    expect((await t.ask('GET', `${REPO}/search/commits?q=NEEDLE`)).body.total).to.equal(1);
    for (const q of ['**%2F*.md', 'A.md', 'docs', 'docs%2F*'])
      expect((await t.ask('GET', `${REPO}/search/files?q=${q}`)).body.total, q).to.equal(1);
    expect((await t.ask('GET', `${REPO}/search/files?q=b.md`)).body.total).to.equal(0);
    const later = new Date(Date.now() + 60_000).toISOString();
    expect((await t.ask('GET', `${REPO}/time-travel/${later}`)).body.tree.total).to.be.greaterThan(0);
    expect((await t.ask('GET', `${REPO}/time-travel/${later}/read/docs/a.md`)).body.content).to.include('needle');
    expect((await t.ask('GET', `${REPO}/time-travel/2001-01-01`)).body.code).to.equal('NOT_FOUND');
    expect((await t.ask('GET', `${REPO}/time-travel/soon`)).body.code).to.equal('INVALID_REQUEST');
  });

  it('have transactions, of which the first committer wins', async () => {
    const [one, two] = [await t.ask('POST', `${REPO}/transaction`), await t.ask('POST', `${REPO}/transaction`, {})];
    expect(one.body).to.have.all.keys('id', 'repo_id', 'created_at');
    const at = (tx: typeof one) => `${REPO}/transaction/${tx.body.id}`;
    await t.ask('POST', `${at(one)}/add`, { path: 'a.json', content: '{' });
    expect((await t.ask('POST', `${at(one)}/validate`)).body).to.deep.include({ valid: false, conflicts: [] });
    await t.ask('POST', `${at(one)}/add`, { files: [{ path: 'a.json', content: '{}' }] });
    expect((await t.ask('POST', `${at(one)}/validate`)).body.valid).to.equal(true);
    await t.ask('POST', `${at(two)}/add`, { path: 'a.json', content: '[]' });
    expect((await t.ask('POST', `${at(one)}/commit`, { message: 'one', author: AUTHOR })).status).to.equal(201);
    const lost = await t.ask('POST', `${at(two)}/commit`, { message: 'two', author: AUTHOR });
    expect([lost.status, lost.body.code, lost.body.details.paths]).to.deep.equal([409, 'CONFLICT', ['a.json']]);
    expect((await t.ask('POST', `${at(two)}/rollback`)).status).to.equal(200);
    expect((await t.ask('POST', `${at(two)}/rollback`)).body.code).to.equal('TX_NOT_FOUND');
  });

  it('have realities, in which a change is tried before it becomes true', async () => {
    await add('cfg.yaml', 'cpu: 1\n');
    await commit('base');
    const made = await t.ask('POST', `${REPO}/parallel-realities`, { branches: ['small', 'large'] });
    expect(made.body.realities[0]).to.include({ name: 'small', isolated: true, ephemeral: true });
    const at = `${REPO}/parallel-realities`;
    expect((await t.ask('POST', `${at}/large/apply`, { changes: { 'cfg.yaml': 'cpu: 8\n' } })).status).to.equal(200);
    await t.ask('POST', `${at}/small/apply`, { changes: { 'cfg.yaml': 'cpu: [2\n' } });
    expect((await t.ask('POST', `${at}/small/validate`)).body.faults[0].path).to.equal('cfg.yaml');
    expect((await t.ask('POST', `${at}/large/validate`)).body.valid).to.equal(true);
    expect((await t.ask('GET', `${REPO}/files/cfg.yaml`)).body.content).to.equal('cpu: 1\n');
    expect((await t.ask('GET', `${at}/large/diff`)).body.diff).to.include('+cpu: 8');
    expect((await t.ask('POST', `${at}/large/promote`, {})).body.status).to.equal('fast-forward');
    expect((await t.ask('GET', `${REPO}/files/cfg.yaml`)).body.content).to.equal('cpu: 8\n');
    expect((await t.ask('DELETE', `${at}/small`)).status).to.equal(200);
    expect((await t.ask('GET', at)).body.count).to.equal(0);
  });
});

describe('api: repositories that are kept', () => {
  it('are there again with the accounts, and give way in the pool', async () => {
    const folder = await temporaryFolder();
    const env = { GIT_KV_API_DATA: folder.path, GIT_KV_API_POOL_MAX_REPOS: '1' };
    try {
      let t = await testApi(env);
      for (const id of ['one', 'two']) {
        expect((await t.ask('POST', '/api/v1/repos', { id })).body.path).to.equal(`repos/${id}.git`);
        await t.ask('POST', `/api/v1/repos/${id}/files`, { path: 'a', content: id });
        expect((await t.ask('POST', `/api/v1/repos/${id}/commits`, { message: id, author: AUTHOR })).status).to.equal(201);
      }
      expect((await t.ask('GET', '/api/v1/pool/stats')).body).to.include({ total: 2, open: 1, evicted: 1 });
      const full = await t.ask('POST', '/api/v1/repos', { id: 'm', memory_only: true });
      expect(full.status).to.equal(201);
      expect((await t.ask('GET', '/api/v1/repos/one/files/a')).body.code).to.equal('MAX_REPOS_REACHED');
      await t.ask('DELETE', '/api/v1/repos/m');
      expect((await t.ask('GET', '/api/v1/repos/one/files/a')).body.content).to.equal('one');
      const { password } = t;
      await t.close();
      t = await testApi(env);
      const token = await t.login('admin', password);
      expect((await t.ask('GET', '/api/v1/repos/two/files/a', undefined, { token })).body.content).to.equal('two');
      expect((await t.ask('DELETE', '/api/v1/repos/two', undefined, { token })).status).to.equal(200);
      expect((await t.ask('GET', '/api/v1/repos', undefined, { token })).body.total).to.equal(1);
      await t.close();
    } finally {
      await folder.remove();
    }
  });
});
