import { gunzipSync } from 'node:zlib';
import { writeFile } from 'node:fs/promises';
import { expect } from 'chai';
import { apiLog } from '../../apps/api/requests/log.js';
import { checkPlaces } from '../../apps/api/server/check-places.js';
import { openApi } from '../../apps/api/server/serve.js';
import { readSettings } from '../../apps/api/settings.js';
import { KvError } from '../../ports/error.js';
import { temporaryFolder } from '../support/temporary.js';
import { type ListeningApi, listeningApi } from './listening.js';
import { testApi } from './support.js';

const AUTHOR = { name: 'Dev', email: 'dev@example.com' };

describe('api: on the wire', () => {
  let t: ListeningApi;
  before(async () => {
    t = await listeningApi({ GIT_KV_API_MAX_BODY: '64KiB' });
    await t.ask('POST', '/api/v1/repos', { id: 'r', memory_only: true });
  });
  after(() => t.stop());

  const head = (method: string, path: string, ...headers: string[]): string =>
    [`${method} ${path} HTTP/1.1`, 'Host: x', `Authorization: ${t.authorization}`, ...headers, '', ''].join('\r\n');
  const statuses = (text: string): string[] => [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => status ?? '');

  it('sees one request where somebody else might see two', async () => {
    const inner = head('DELETE', '/api/v1/repos/r');
    const chunked = `${Buffer.byteLength(inner).toString(16)}\r\n${inner}\r\n0\r\n\r\n`;
    const json = 'Content-Type: application/json';
    const to = '/api/v1/repos/r/files';
    const shapes: Record<string, string> = {
      'a length and chunks': head('POST', to, json, 'Content-Length: 4', 'Transfer-Encoding: chunked') + chunked,
      'chunks and a length': head('POST', to, json, 'Transfer-Encoding: chunked', 'Content-Length: 4') + chunked,
      'two lengths': head('POST', to, json, 'Content-Length: 0', `Content-Length: ${inner.length}`) + inner,
      'a length of two': head('POST', to, json, `Content-Length: 0, ${inner.length}`) + inner,
      'a length with a sign': head('POST', to, json, `Content-Length: +${inner.length}`) + inner,
      'an encoding that is none': head('POST', to, json, 'Transfer-Encoding: xchunked') + chunked,
      'an encoding twice': head('POST', to, json, 'Transfer-Encoding: chunked, identity') + chunked,
      'a space before the colon': head('POST', to, json, 'Transfer-Encoding : chunked') + chunked,
      'a folded header': head('POST', to, json, 'X-A: b', ' Transfer-Encoding: chunked', 'Content-Length: 4') + inner,
      'a bare line feed': head('POST', to, json, `X-A: b\nContent-Length: ${inner.length}`) + inner,
      'a size of chunk that is none': `${head('POST', to, json, 'Transfer-Encoding: chunked')}zz\r\n${inner}`,
    };
    for (const [what, bytes] of Object.entries(shapes)) {
      const [first, ...others] = statuses(await t.raw(`${bytes}${head('GET', '/version', 'Connection: close')}`));
      expect(first, what).to.match(/^4\d\d$/);
      expect(others.filter((status) => status === '200').length, what).to.be.lessThan(2);
      expect((await t.ask('GET', '/api/v1/repos/r')).status, what).to.equal(200);
    }
  });

  it('lets nothing of a request into a header or a line of the log', async () => {
    const lines: string[] = [];
    const log = apiLog({ logLevel: 'DEBUG', logFormat: 'text' }, (line) => lines.push(line), Date.now);
    log('INFO', 'HTTP request processed', { http_path: '/a\r\n2026 INFO forged\u001b[2J\u2028\u202e', user: '\ud83d\ude00' });
    expect(lines).to.have.length(1);
    const [line = ''] = lines;
    for (const steering of ['\r', '\u001b', '\u2028', '\u202e']) expect(line).to.not.include(steering);
    expect(line.indexOf('\n')).to.equal(line.length - 1);
    expect(line).to.include('\\u001b');
    const id = await t.ask('GET', '/version', undefined, { headers: { 'x-request-id': 'a b\tc' } });
    expect(id.headers['x-request-id']).to.match(/^[\w-]+$/);
    const good = await t.ask('GET', '/version', undefined, { headers: { 'x-request-id': 'req-123' } });
    expect(good.headers['x-request-id']).to.equal('req-123');
    const odd = await t.ask('GET', '/api/v1/repos/r/files/%0d%0aSet-Cookie:%20a=b%00');
    expect(odd.status).to.be.oneOf([400, 404]);
    expect(odd.headers['set-cookie']).to.equal(undefined);
    const made = await t.ask('POST', '/api/v1/repos', { id: 'a\r\nLocation: http://evil' });
    expect([made.status, made.headers['location']]).to.deep.equal([400, undefined]);
    const text = await t.raw(head('GET', '/%0d%0aX-Evil:%201', 'Connection: close'));
    expect(text).to.not.match(/^X-Evil/m);
  });

  it('refuses bodies that are too large, too deep, or of another type, and stays as it was', async () => {
    const json = { 'content-type': 'application/json' };
    const post = (body: string, headers: Record<string, string> = json) =>
      t.ask('POST', '/api/v1/repos/r/files', body, { headers });
    expect((await post(`{"path":"a","content":"${'x'.repeat(70_000)}"}`)).body.code).to.equal('BODY_TOO_LARGE');
    expect((await post('['.repeat(60_000))).body.code).to.equal('INVALID_REQUEST');
    expect((await post(`${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}`)).body.code).to.equal('INVALID_REQUEST');
    expect((await post('{"path":"a","content":"x","__proto__":{"x":1}}')).body.code).to.equal('INVALID_REQUEST');
    expect((await post('path=a', { 'content-type': 'text/plain' })).body.code).to.be.oneOf([
      'UNSUPPORTED_MEDIA_TYPE',
      'INVALID_REQUEST',
    ]);
    expect((await t.ask('GET', '/api/v1/repos/r/status')).body.clean).to.equal(true);
  });

  it('packs what is worth it for whoever takes it', async () => {
    for (let i = 0; i < 20; i++) await t.ask('POST', '/api/v1/repos/r/files', { path: `f${i}`, content: 'x'.repeat(100) });
    await t.ask('POST', '/api/v1/repos/r/commits', { message: 'files', author: AUTHOR });
    const ask = (encoding: string) =>
      t.app.inject({ url: '/api/v1/repos/r/tree', headers: { authorization: t.authorization, 'accept-encoding': encoding } });
    const plain = await ask('identity');
    const packed = await ask('br, gzip;q=0.5');
    expect([packed.headers['content-encoding'], packed.headers['vary']]).to.deep.equal(['gzip', 'Accept-Encoding']);
    expect(gunzipSync(packed.rawPayload).toString()).to.equal(plain.body);
    expect((await ask('gzip;q=0')).headers['content-encoding']).to.equal(undefined);
  });

  it('has no room for more than a repository may hold, and keeps nothing of what had none', async () => {
    const own = await testApi({ GIT_KV_API_MEMORY_MAX_REPOSITORY: '20KiB' });
    try {
      await own.ask('POST', '/api/v1/repos', { id: 's', memory_only: true });
      const add = (path: string, bytes: number) => own.ask('POST', '/api/v1/repos/s/files', { path, content: 'x'.repeat(bytes) });
      const commit = () => own.ask('POST', '/api/v1/repos/s/commits', { message: 'm', author: AUTHOR });
      await add('small', 10);
      expect((await commit()).status).to.equal(201);
      const large = await add('large', 30_000);
      expect([large.status, large.body.code]).to.deep.equal([507, 'STORAGE_FULL']);
      expect((await own.ask('GET', '/api/v1/repos/s/status')).body.clean).to.equal(true);
      const tx = (await own.ask('POST', '/api/v1/repos/s/transaction')).body.id;
      expect(
        (await own.ask('POST', `/api/v1/repos/s/transaction/${tx}/add`, { path: 'l', content: 'x'.repeat(30_000) })).status,
      ).to.equal(507);
      await own.ask('POST', `/api/v1/repos/s/transaction/${tx}/rollback`);
      expect((await add('small', 12_000)).status).to.equal(201);
      expect((await commit()).status).to.equal(201);
    } finally {
      await own.close();
    }
  });

  it('says what is wrong with a request in words that help', async () => {
    const form = { headers: { 'content-type': 'application/x-www-form-urlencoded' } };
    const plain = await t.ask('POST', '/api/v1/repos', 'id=x', form);
    expect([plain.status, plain.body.error]).to.deep.equal([
      415,
      'the body is to be JSON: send it with Content-Type: application/json',
    ]);
    const other = await t.ask('POST', '/api/v1/repos', { id: 'x', memory: true });
    expect([other.body.code, other.body.error]).to.deep.equal(['INVALID_REQUEST', 'body has unknown members: memory']);
    expect(other.body.details.faults).to.have.length(1);
    for (const [method, path, allow] of [
      ['PATCH', '/api/v1/repos', 'GET, HEAD, POST'],
      ['GET', '/api/v1/repos/r/merge', 'POST'],
      ['POST', '/api/v1/repos/r/files/a/b.txt', 'DELETE, GET, HEAD, PUT'],
      ['DELETE', '/git/r.git/info/refs', 'GET, HEAD'],
    ] as const) {
      const { status, body, headers } = await t.ask(method, path);
      expect([status, body.code, headers['allow']], `${method} ${path}`).to.deep.equal([405, 'METHOD_NOT_ALLOWED', allow]);
    }
    expect((await t.ask('GET', '/api/v1/none')).status).to.equal(404);
    await t.ask('POST', '/api/v1/repos', { id: 'fresh', memory_only: true });
    expect((await t.ask('GET', '/api/v1/repos/fresh/show/HEAD')).body.error).to.match(/has no commit yet/);
    expect(String((await t.ask('GET', '/', undefined, { token: null })).body)).to.include('<h1>git-kv-api</h1>');
  });

  it('is checked with the places that it names, which a start would find out', async () => {
    const folder = await temporaryFolder();
    const good = { GIT_KV_API_DATA: `${folder.path}/not/there/yet`, GIT_KV_API_LOG_LEVEL: 'info' };
    try {
      const settings = await readSettings(good, undefined);
      await checkPlaces(settings);
      expect(settings.logLevel).to.equal('INFO');
      await writeFile(`${folder.path}/file`, '');
      for (const [key, name, value] of [
        ['server.data', 'DATA', `${folder.path}/file/data`],
        ['ledger.clone', 'LEDGER_CLONE', `${folder.path}/none`],
        ['transfer.folders', 'TRANSFER_FOLDERS', `${folder.path},${folder.path}/file`],
        ['auth.admin_password_file', 'ADMIN_PASSWORD_FILE', `${folder.path}/file/password`],
      ] as const) {
        const error = await checkPlaces(await readSettings({ [`GIT_KV_API_${name}`]: value }, undefined)).then(
          () => null,
          (thrown: unknown) => thrown,
        );
        expect(KvError.is(error) && `${error.code} ${error.message}`, key).to.match(
          new RegExp(`^CONFIG_INVALID ${key}: '.*' is no folder`),
        );
      }
    } finally {
      await folder.remove();
    }
  });

  it('is set up by a file, and by the environment above it', async () => {
    const folder = await temporaryFolder();
    const file = `${folder.path}/api.yaml`;
    const code = async (text: string, env: Record<string, string> = {}): Promise<string> => {
      await writeFile(file, text);
      try {
        await readSettings(env, file);
        return 'none';
      } catch (error) {
        return KvError.is(error) ? `${error.code} ${error.message} ${error.hint ?? ''}` : String(error);
      }
    };
    try {
      await writeFile(
        file,
        'server:\n  port: 8081\n  host: "0.0.0.0"\nauth:\n  jwt:\n    issuer: "govc-server"\n    ttl: "24h"\npool:\n  max_repositories: 7\n  max_idle_time: "30m"\nlogging:\n  level: "INFO"\nmetrics:\n  enabled: true\n  path: "/metrics"\n',
      );
      const settings = await readSettings({ GIT_KV_API_PORT: '9', GOVC_POOL_MAX_REPOS: '8', GOVC_PORT: '10' }, file);
      expect(settings).to.include({ port: 9, host: '0.0.0.0', jwtIssuer: 'govc-server', jwtTtl: 86_400_000, maxRepositories: 8 });
      expect(await code('server:\n  prot: 1\n')).to.match(
        /CONFIG_INVALID .*api\.yaml:2: server\.prot: unknown key.*server\.port/,
      );
      expect(await code('server:\n  port: many\n')).to.match(/api\.yaml:2: server\.port: 'many' is no whole number/);
      expect(await code('auth:\n  jwt:\n    secret: your-secret-key\n')).to.match(/shorter than 32 bytes/);
      expect(await code('server: [\n')).to.match(/CONFIG_INVALID .*api\.yaml:\d+/);
      expect(await code('', { GIT_KV_API_PROT: '1' })).to.match(/GIT_KV_API_PROT.*GIT_KV_API_PORT/);
      expect(await code('')).to.equal('none');
    } finally {
      await folder.remove();
    }
  });

  it('shares its data folder with no other server', async () => {
    const folder = await temporaryFolder();
    const env = { GIT_KV_API_DATA: folder.path };
    try {
      const first = await testApi(env);
      const settings = await readSettings({ GIT_KV_API_PASSWORD_COST: '14', ...env }, undefined);
      const second = (): Promise<unknown> =>
        openApi({ settings, env: process.env, log: () => undefined, toldPassword: () => undefined }).then(
          (api) => api.close(),
          (error: unknown) => error,
        );
      const refused = await second();
      expect(KvError.is(refused) && `${refused.code} ${refused.message}`).to.match(
        new RegExp(`CONFIG_INVALID the data folder .* is in use by git-kv-api \\(process ${process.pid}\\)`),
      );
      await first.close();
      expect(await second()).to.equal(undefined);
    } finally {
      await folder.remove();
    }
  });
});
