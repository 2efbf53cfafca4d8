import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { Registry } from 'prom-client';
import { healthMount } from '../../apps/http/health-mount.js';
import { type HttpListener, type ListenOptions, listen } from '../../apps/http/listen.js';
import type { Mount } from '../../apps/http/mount.js';
import { requestMetrics } from '../../apps/http/request-metrics.js';
import { KvError } from '../../ports/error.js';
import { ask } from './support.js';

describe('http: a second API beside health', () => {
  let listener: HttpListener;
  let registry: Registry;
  let failures: unknown[];
  let slow: { begun: Promise<void>; begin: () => void; end: () => void };

  const health = healthMount({
    healthz: async () => ({ reasons: [] }),
    readyz: async () => ({ reasons: [] }),
    metrics: { contentType: 'text/plain', text: async () => '' },
  });
  const notes: Mount = {
    prefix: '/v1',
    authenticate: {
      challenge: 'Bearer realm="notes"',
      async identify({ headers }) {
        if (headers.authorization === 'Bearer revoked') throw new KvError('POLICY_VIOLATION', 'the token was revoked');
        return headers.authorization === 'Bearer good' ? { name: 'ada' } : null;
      },
    },
    register(app, { closing }) {
      app.get('/who', async (request) => ({ name: request.caller?.name }));
      app.post('/echo', async (request) => request.body);
      app.get('/notes/:id', async () => {
        throw new KvError('NOT_FOUND', "no note '7'", { hint: 'list them' });
      });
      app.get('/bug', async () => {
        throw new Error('the secret is 42');
      });
      app.get('/slow', async () => {
        slow.begin();
        await new Promise<void>((resolve) => {
          slow.end = resolve;
        });
        return 'done';
      });
      app.get('/events', (_request, reply) => {
        reply.hijack();
        reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
        closing.addEventListener('abort', () => reply.raw.end(), { once: true });
        slow.begin();
      });
    },
  };

  async function start(more: Partial<ListenOptions> = {}): Promise<void> {
    registry = new Registry();
    failures = [];
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    slow = { begun, begin, end: () => undefined };
    const observe = requestMetrics('trial', registry);
    const failed = (thrown: unknown): number => failures.push(thrown);
    listener = await listen([health, notes], { host: '127.0.0.1', port: 0, observe, failed, ...more });
  }
  afterEach(() => listener.close(0));

  const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const problem = async (path: string, asked = {}): Promise<Record<string, unknown>> => {
    const { status, type, body, headers } = await ask(listener.port, path, { ...as('good'), ...asked });
    expect(type).to.equal('application/problem+json');
    const { request_id: id, ...rest } = JSON.parse(body) as Record<string, unknown>;
    expect(id).to.equal(headers['x-request-id']);
    expect(rest['status']).to.equal(status);
    return rest;
  };

  it('asks who is there, in its own mount only', async () => {
    await start();
    expect((await ask(listener.port, '/healthz')).status).to.equal(200);
    const nobody = await ask(listener.port, '/v1/who');
    expect([nobody.status, nobody.headers['www-authenticate']]).to.deep.equal([401, 'Bearer realm="notes"']);
    expect((await ask(listener.port, '/v1/none')).status, 'what is there is not told to strangers').to.equal(401);
    expect((await ask(listener.port, '/v1/who', as('good'))).body).to.equal('{"name":"ada"}');
    expect(await problem('/v1/who', as('revoked'))).to.deep.include({ status: 403, code: 'POLICY_VIOLATION' });
  });

  it('answers every fault with a problem body', async () => {
    await start();
    expect(await problem('/v1/notes/7')).to.deep.equal({
      ...{ type: 'about:blank', title: 'Not Found', status: 404, detail: "no note '7'", code: 'NOT_FOUND', hint: 'list them' },
    });
    expect(await problem('/v1/none')).to.deep.include({ status: 404, detail: 'nothing is served at this path' });
    const json = { ...as('good').headers, 'content-type': 'application/json' };
    expect(await problem('/v1/echo', { method: 'POST', headers: json, body: '{' })).to.deep.include({ status: 400 });
    expect(await problem('/v1/%zz')).to.deep.include({ status: 400 });
    expect(failures).to.deep.equal([]);
    const bug = await problem('/v1/bug');
    expect(bug).to.deep.include({ status: 500, code: 'UNEXPECTED' });
    expect(JSON.stringify(bug)).not.to.contain('42');
    expect(failures.map(String)).to.deep.equal(['Error: the secret is 42']);
  });

  it('keeps the id of a request where it can stand in a log', async () => {
    await start();
    const idFor = async (id: string): Promise<unknown> =>
      (await ask(listener.port, '/healthz', { headers: { 'x-request-id': id } })).headers['x-request-id'];
    expect(await idFor('trace-1:2')).to.equal('trace-1:2');
    expect(await idFor('two words')).to.match(/^[0-9a-f-]{36}$/);
    expect(await idFor('x'.repeat(65))).to.match(/^[0-9a-f-]{36}$/);
  });

  it('counts requests by route, never by what clients make up', async () => {
    await start();
    await ask(listener.port, '/v1/notes/7', as('good'));
    await ask(listener.port, '/v1/notes/8', as('good'));
    await ask(listener.port, '/made-up');
    await delay(20); // the count is taken when the answer has left
    const text = await registry.metrics();
    expect(text).to.contain('trial_http_requests_total{method="GET",path="/v1/notes/:id",status="404"} 2');
    expect(text).to.contain('trial_http_requests_total{method="GET",path="none",status="404"} 1');
    expect(text).to.contain('trial_http_request_duration_seconds_count{method="GET",path="/v1/notes/:id"} 2');
    expect(text).not.to.contain('made-up');
  });

  it('bounds bodies, headers and their time', async () => {
    await start({ limits: { maxBodyBytes: 100, maxHeaderBytes: 1000, requestTimeout: 200 } });
    const json = { ...as('good').headers, 'content-type': 'application/json' };
    const large = { method: 'POST', headers: json, body: JSON.stringify('x'.repeat(100)) };
    expect(await problem('/v1/echo', large)).to.deep.include({ status: 413 });
    const fits = { method: 'POST', headers: json, body: '{"a":1}' };
    expect((await ask(listener.port, '/v1/echo', fits)).body).to.equal('{"a":1}');
    expect((await ask(listener.port, '/healthz', { headers: { 'x-long': 'x'.repeat(2000) } })).status).to.equal(431);
    const garbled = connect(listener.port, '127.0.0.1');
    garbled.write('nonsense\r\n\r\n');
    const [said] = (await once(garbled.setEncoding('utf8'), 'data')) as [string];
    expect(said)
      .to.match(/^HTTP\/1\.1 400 /)
      .and.to.contain('application/problem+json');
    garbled.destroy();
  });

  it('closes while connections are kept alive, and while some have asked nothing', async () => {
    await start();
    const silent = connect(listener.port, '127.0.0.1');
    const kept = connect(listener.port, '127.0.0.1');
    await Promise.all([once(silent, 'connect'), once(kept, 'connect')]);
    kept.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(kept, 'data');
    const ends = Promise.all([silent, kept].map((socket) => once(socket.resume(), 'close')));
    const began = performance.now();
    await listener.close(10_000);
    await ends;
    expect(performance.now() - began).to.be.lessThan(5000);
  });

  it('closes when the request at hand is answered, or when its time is up', async () => {
    await start();
    const answer = ask(listener.port, '/v1/slow', as('good'));
    await slow.begun;
    const closed = listener.close(10_000);
    await delay(30);
    slow.end();
    expect((await answer).body).to.equal('done');
    await closed;

    await start();
    const cut = ask(listener.port, '/v1/slow', as('good')).then(
      () => 'answered',
      () => 'cut',
    );
    await slow.begun;
    await listener.close(50);
    expect(await cut).to.equal('cut');
    slow.end();
  });

  it('ends event streams when it closes', async () => {
    await start();
    const stream = ask(listener.port, '/v1/events', as('good'));
    await slow.begun;
    await listener.close(10_000);
    expect((await stream).body).to.equal('data: 1\n\n');
  });

  it('says when the address is taken', async () => {
    await start();
    const error = await listen([health], { host: '127.0.0.1', port: listener.port }).catch((thrown: unknown) => thrown);
    expect(error).to.have.property('code', 'EADDRINUSE');
  });
});
