import { expect } from 'chai';
import { type Health, healthMount } from '../../apps/http/health-mount.js';
import { type HttpListener, listen } from '../../apps/http/listen.js';
import { ask } from './support.js';

describe('http: health', () => {
  let listener: HttpListener;
  let health: () => Promise<Health>;
  const ready = async (parts: ReadonlySet<string>): Promise<Health> => {
    if (parts.has('warn')) return { reasons: [], warnings: ['the mirror is away'], facts: { leader: true } };
    return { reasons: parts.has('mirror') ? ['mirror'] : ['standby'] };
  };
  beforeEach(async () => {
    health = async () => ({ reasons: [], facts: { version: '1' } });
    const metrics = { contentType: 'text/plain; version=0.0.4; charset=utf-8', text: async () => 'up 1\n' };
    const mount = healthMount({ metrics, healthz: () => health(), readyz: (parts) => ready(parts) });
    listener = await listen([mount], { host: '127.0.0.1', port: 0 });
  });
  afterEach(() => listener.close(0));

  it('answers to the byte what watchers parse', async () => {
    const bodies = {
      '/healthz': [200, 'application/json', '{"status":"ok","reasons":[],"version":"1"}\n'],
      '/healthz?verbose=1': [200, 'application/json', '{"status":"ok","reasons":[],"version":"1"}\n'],
      '/readyz': [503, 'application/json', '{"status":"unavailable","reasons":["standby"]}\n'],
      '/readyz?mirror': [503, 'application/json', '{"status":"unavailable","reasons":["mirror"]}\n'],
      '/readyz?warn=1': [
        ...[200, 'application/json', '{"status":"ok","reasons":[],"warnings":["the mirror is away"],"leader":true}\n'],
      ],
      '/metrics': [200, 'text/plain; version=0.0.4; charset=utf-8', 'up 1\n'],
      '/': [404, 'text/plain', 'not found\n'],
      '/other': [404, 'text/plain', 'not found\n'],
      '/healthz/': [404, 'text/plain', 'not found\n'],
    };
    for (const [path, expected] of Object.entries(bodies)) {
      const { status, type, body, headers } = await ask(listener.port, path);
      expect([status, type, body], path).to.deep.equal(expected);
      expect(headers, path).to.include({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
      expect(headers['content-length'], path).to.equal(String(Buffer.byteLength(body)));
    }
  });

  it('answers HEAD without a body', async () => {
    for (const path of ['/healthz', '/metrics']) {
      const [got, head] = [await ask(listener.port, path), await ask(listener.port, path, { method: 'HEAD' })];
      expect([head.status, head.type, head.body]).to.deep.equal([got.status, got.type, '']);
      expect(head.headers['content-length']).to.equal(got.headers['content-length']);
    }
  });

  it('refuses what is neither GET nor HEAD, whatever comes with it', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const asked = { method, headers: { 'content-type': 'application/x-unheard-of' }, body: '{' };
      for (const path of ['/healthz', '/readyz', '/metrics']) {
        const { status, type, body, headers } = await ask(listener.port, path, asked);
        expect([status, type, body], `${method} ${path}`).to.deep.equal([405, 'text/plain', 'GET and HEAD only\n']);
        expect(headers['allow']).to.equal('GET, HEAD');
      }
      const other = await ask(listener.port, '/other', asked);
      expect([other.status, other.body], method).to.deep.equal([404, 'not found\n']);
    }
  });

  it('says what went wrong inside', async () => {
    health = async () => {
      throw new Error('no disk');
    };
    const { status, type, body } = await ask(listener.port, '/healthz');
    expect([status, type, body]).to.deep.equal([500, 'application/json', '{"status":"error","reasons":["no disk"]}']);
  });
});
