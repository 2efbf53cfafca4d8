import { createHash, createHmac } from 'node:crypto';
import { expect } from 'chai';
import { Tokens } from '../../apps/api/auth/tokens.js';
import { type TestApi, testApi } from './support.js';

const SECRET = 'a secret of the tests, with more than 32 bytes in it';
const ME = '/api/v1/auth/whoami';
/** An operation of the description. */
interface Described {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly responses: object;
  readonly parameters?: readonly { readonly name: string }[];
}
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('api: access', () => {
  let t: TestApi;
  const tokens: Record<string, string | null> = { nobody: null };
  const ids: Record<string, string> = {};
  before(async () => {
    t = await testApi({ GIT_KV_API_JWT_SECRET: SECRET });
    for (const role of ['admin', 'developer', 'reader', 'guest']) {
      const body = { username: `the-${role}`, email: `${role}@example.com`, password: 'a long password', roles: [role] };
      ids[role] = (await t.ask('POST', '/api/v1/users', body)).body.id;
      tokens[role] = await t.login(`the-${role}`, 'a long password');
    }
    await t.ask('POST', '/api/v1/repos', { id: 'r' });
    await t.ask('POST', '/api/v1/repos', { id: 'other' });
  });
  after(() => t.close());

  it('is what the role of each says, for every route', async () => {
    const { paths } = (await t.ask('GET', '/api/v1/openapi.json')).body as {
      paths: Record<string, Record<string, { security?: unknown[] }>>;
    };
    const may: Record<string, (method: string, path: string) => boolean> = {
      nobody: () => false,
      guest: (_, path) => /\/auth\//.test(path) || path === '/api/v1/repos',
      reader: (method, path) =>
        /\/auth\/|^\/git\/.*(?:refs|upload-pack)$/.test(path) ||
        (method === 'get' && /^\/api\/v1\/(?:kv|commands$|repos(?!.*\/webhooks))/.test(path)),
      developer: (method, path) =>
        /\/auth\/|^\/git\/|^\/api\/v1\/(?:kv|commands$)/.test(path) ||
        (/^\/api\/v1\/repos(?!.*\/(?:im|ex)port$)/.test(path) && !(method === 'delete' && path.endsWith('{repo}'))),
      admin: () => true,
    };
    let asked = 0;
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { security }] of Object.entries(methods)) {
        const isOpen = security?.length === 0;
        const isStream = /\/(events|watch)$/.test(path);
        for (const [role, token] of Object.entries(tokens)) {
          const isAllowed = isOpen || may[role]?.(method, path) === true;
          // Not what would be done: a repository that isn't there, and nobody's session but one of its own.
          if ((isStream && isAllowed) || path.endsWith('/logout') || path.endsWith('/deactivate')) continue;
          const isCreation = path === '/api/v1/repos' && method === 'post';
          const url = path.replaceAll('{repo}', 'none').replace(/\{\w+\}/g, 'x');
          const { status } = await t.ask(method.toUpperCase(), url, ['post', 'put'].includes(method) ? {} : undefined, {
            token: token ?? null,
          });
          const wanted =
            isCreation && (role === 'guest' || role === 'reader') ? 403 : isAllowed ? 'in' : role === 'nobody' ? 401 : 403;
          const isLogin = /\/auth\/(login|refresh)$/.test(path);
          expect(status === 401 && !isLogin ? 401 : status === 403 ? 403 : 'in', `${role} ${method} ${path}: ${status}`).to.equal(
            wanted,
          );
          asked += 1;
        }
      }
    }
    expect(asked).to.be.greaterThan(250);
  });

  it('has a schema for every route', async () => {
    const { body } = await t.ask('GET', '/api/v1/openapi.json', undefined, { token: null });
    expect(body.openapi).to.equal('3.1.0');
    expect(Object.keys(body.paths)).to.include.members([
      '/api/v1/repos/{repo}/files/{path}',
      '/api/v1/auth/login',
      '/health',
      '/version',
    ]);
    for (const [path, methods] of Object.entries<Record<string, Described>>(body.paths)) {
      for (const [method, { summary, tags, responses, parameters = [] }] of Object.entries(methods)) {
        const where = `${method} ${path}`;
        expect(summary, where).to.be.a('string');
        expect(tags, where).to.have.length(1);
        expect(
          Object.keys(responses).some((status) => /^20\d$/.test(status)),
          where,
        ).to.equal(true);
        for (const [, name] of path.matchAll(/\{(\w+)\}/g))
          expect(
            parameters.map(({ name: own }) => own),
            where,
          ).to.include(name);
      }
    }
    const page = await t.ask('GET', '/docs', undefined, { token: null });
    expect(page.headers['content-security-policy']).to.include("default-src 'none'");
    expect(page.body).to.include('/api/v1/repos/{repo}/parallel-realities').and.not.include('<script');
  });

  it('lets a grant take the place of what the role says', async () => {
    const grant = (permissions: string[]) => t.ask('PUT', '/api/v1/users/the-guest/grants/r', { permissions });
    const token = tokens['guest'] ?? null;
    expect((await t.ask('GET', '/api/v1/repos/r', undefined, { token })).status).to.equal(403);
    await grant(['repo:read']);
    expect((await t.ask('GET', '/api/v1/repos/r', undefined, { token })).status).to.equal(200);
    expect((await t.ask('GET', '/api/v1/repos/other', undefined, { token })).status).to.equal(403);
    expect((await t.ask('GET', '/api/v1/repos', undefined, { token })).body.total).to.equal(1);
    expect((await t.ask('POST', '/api/v1/repos/r/files', { path: 'a', content: '' }, { token })).body.code).to.equal('FORBIDDEN');
    const own = { path: 'a', content: '' };
    await t.ask('PUT', '/api/v1/users/the-developer/grants/r', { permissions: ['repo:read'] });
    expect((await t.ask('POST', '/api/v1/repos/r/files', own, { token: tokens['developer'] ?? null })).status).to.equal(403);
    await t.ask('DELETE', '/api/v1/users/the-developer/grants/r');
    expect((await t.ask('POST', '/api/v1/repos/r/files', own, { token: tokens['developer'] ?? null })).status).to.equal(201);
  });

  it('takes no token that is not ours, for us, and good now', async () => {
    const good = tokens['reader'] ?? '';
    expect((await t.ask('GET', ME, undefined, { token: good })).body.user.username).to.equal('the-reader');
    const [head = '', body = '', signature = ''] = good.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const header = JSON.parse(Buffer.from(head, 'base64url').toString());
    const sign = (text: string, secret = SECRET): string =>
      `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
    expect((await t.ask('GET', ME, undefined, { token: sign(`${head}.${body}`) })).status).to.equal(200);
    const bad: Record<string, string> = {
      'alg none': `${encoded({ ...header, alg: 'none' })}.${body}.`,
      'no signature': `${head}.${body}.`,
      'another algorithm': sign(`${encoded({ ...header, alg: 'HS512' })}.${body}`),
      'another secret': sign(`${head}.${body}`, `${SECRET}!`),
      'an empty secret': sign(`${encoded({ ...header, kid: 'x' })}.${body}`, ''),
      'another user': `${head}.${encoded({ ...claims, sub: ids['admin'] })}.${signature}`,
      'another user, signed': sign(`${head}.${encoded({ ...claims, sub: ids['admin'] })}`),
      'another audience': sign(`${head}.${encoded({ ...claims, aud: 'x' })}`),
      'another issuer': sign(`${head}.${encoded({ ...claims, iss: 'x' })}`),
      over: sign(`${head}.${encoded({ ...claims, exp: 1 })}`),
      'no end': sign(`${head}.${encoded({ ...claims, exp: undefined })}`),
      'no token': 'x',
    };
    for (const [what, token] of Object.entries(bad)) {
      const { status, body: problem, headers } = await t.ask('GET', ME, undefined, { token });
      expect([status, problem.code], what).to.deep.equal([401, 'UNAUTHORIZED']);
      expect(headers['www-authenticate']).to.include('Bearer');
    }
  });

  it('knows the tokens of a secret that was replaced', async () => {
    const parts = { issuer: 'i', audience: 'a', ttl: 60_000, now: Date.now };
    const { token } = await new Tokens({ ...parts, secrets: [SECRET] }).make('u', 's');
    expect((await new Tokens({ ...parts, secrets: [`${SECRET}2`, SECRET] }).verify(token))?.user).to.equal('u');
    expect(await new Tokens({ ...parts, secrets: [`${SECRET}2`] }).verify(token)).to.equal(null);
    expect(await new Tokens({ ...parts, secrets: [SECRET], now: () => Date.now() + 61_000 }).verify(token)).to.equal(null);
  });

  it('renews a token once, and ends the session of whoever tries again', async () => {
    const login = await t.ask('POST', '/api/v1/auth/login', { username: 'the-reader', password: 'a long password' });
    expect(login.body).to.have.all.keys('token', 'refresh_token', 'expires_at', 'user');
    const refresh = (token: string) => t.ask('POST', '/api/v1/auth/refresh', { refresh_token: token });
    const second = await refresh(login.body.refresh_token);
    expect(second.status).to.equal(200);
    expect((await t.ask('GET', ME, undefined, { token: second.body.token })).status).to.equal(200);
    expect((await refresh(login.body.refresh_token)).status).to.equal(401);
    expect((await refresh(second.body.refresh_token)).status).to.equal(401);
    expect((await t.ask('GET', ME, undefined, { token: second.body.token })).status).to.equal(401);
  });

  it('is narrower by an API key, which is shown once', async () => {
    const token = tokens['developer'] ?? null;
    const until = new Date(Date.now() + 60_000).toISOString();
    const made = await t.ask(
      'POST',
      '/api/v1/auth/apikeys',
      { name: 'ci', permissions: ['repo:read'], expires_at: until },
      { token },
    );
    expect(made.body).to.have.all.keys('id', 'name', 'key', 'permissions', 'created_at', 'expires_at');
    const by = { token: null, headers: { 'x-api-key': made.body.key } };
    expect((await t.ask('GET', '/api/v1/repos/r', undefined, by)).status).to.equal(200);
    expect((await t.ask('POST', '/api/v1/repos/r/files', { path: 'k', content: '' }, by)).status).to.equal(403);
    const { body: listed } = await t.ask('GET', '/api/v1/auth/apikeys', undefined, { token });
    expect(JSON.stringify(listed)).to.not.include(made.body.key);
    expect(listed.keys[0].last_used_at).to.be.a('string');
    const record = JSON.stringify(t.api.context.accounts.record());
    expect(record).to.include(createHash('sha256').update(made.body.key).digest('hex')).and.not.include(made.body.key);
    const more = await t.ask('POST', '/api/v1/auth/apikeys', { name: 'x', permissions: ['system:admin'] }, { token });
    expect(more.body.code).to.equal('FORBIDDEN');
    const wider = await t.ask('POST', '/api/v1/auth/apikeys', { name: 'x', permissions: ['repo:write'] }, by);
    expect(wider.body.code).to.equal('FORBIDDEN');
    expect(
      (await t.ask('DELETE', `/api/v1/auth/apikeys/${made.body.id}`, undefined, { token: tokens['reader'] ?? null })).status,
    ).to.equal(404);
    expect((await t.ask('DELETE', `/api/v1/auth/apikeys/${made.body.id}`, undefined, { token })).status).to.equal(200);
    expect((await t.ask('GET', '/api/v1/repos/r', undefined, by)).status).to.equal(401);
  });

  it('ends at once for whoever is deactivated, with all keys', async () => {
    const token = await t.login('the-reader', 'a long password');
    const { body } = await t.ask('POST', '/api/v1/auth/apikeys', { name: 'k', permissions: ['repo:read'] }, { token });
    await t.ask('POST', '/api/v1/users/the-reader/deactivate');
    expect((await t.ask('GET', ME, undefined, { token })).status).to.equal(401);
    expect((await t.ask('GET', ME, undefined, { token: null, headers: { 'x-api-key': body.key } })).status).to.equal(401);
    expect(await t.login('the-reader', 'a long password')).to.equal(undefined);
    await t.ask('POST', '/api/v1/users/the-reader/activate');
    expect((await t.ask('GET', ME, undefined, { token })).status).to.equal(401);
    expect((await t.ask('GET', ME, undefined, { token: null, headers: { 'x-api-key': body.key } })).status).to.equal(200);
  });

  it('keeps an admin', async () => {
    await t.ask('DELETE', '/api/v1/users/the-admin');
    for (const [method, path, body] of [
      ['DELETE', '/api/v1/users/admin', undefined],
      ['POST', '/api/v1/users/admin/deactivate', undefined],
      ['PUT', '/api/v1/users/admin', { roles: ['reader'] }],
    ] as const)
      expect((await t.ask(method, path, body)).body.code, path).to.equal('CONFLICT');
  });

  it('lets nobody try passwords without end', async () => {
    const own = await testApi({ GIT_KV_API_LOGINS_PER_MINUTE: '3' });
    try {
      const statuses: number[] = [];
      for (let i = 0; i < 5; i++)
        statuses.push((await own.ask('POST', '/api/v1/auth/login', { username: 'admin', password: 'wrong' })).status);
      expect(statuses).to.deep.equal([401, 401, 401, 429, 429]);
      const { headers, body } = await own.ask('POST', '/api/v1/auth/login', { username: 'admin', password: own.password });
      expect([body.code, Number(headers['retry-after']) > 0]).to.deep.equal(['RATE_LIMIT_EXCEEDED', true]);
    } finally {
      await own.close();
    }
  });
});
