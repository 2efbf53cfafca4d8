import { expect } from 'chai';
import { join } from 'node:path';
import { withAliases } from '../../apps/api/observed/metrics.js';
import { readSettings } from '../../apps/api/settings.js';
import { KvError } from '../../ports/error.js';
import { OtlpReceiver } from '../support/programs/otlp-receiver.js';
import { temporaryFolder } from '../support/temporary.js';
import { type TestApi, testApi } from './support.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const AUTHOR = { name: 'hidden-name', email: 'hidden@example.com' };

describe('api: traces', () => {
  for (const exporter of ['otlp', 'otel']) {
    it(`show a request and what it did with a repository, and nothing of what it was about (${exporter})`, async function () {
      this.timeout(30_000);
      const receiver = await OtlpReceiver.start();
      const lines: Record<string, unknown>[] = [];
      const t = await testApi(
        { GIT_KV_API_TRACING_EXPORTER: exporter, GIT_KV_API_TRACING_ENDPOINT: receiver.url },
        undefined,
        process.env,
        (_level, _message, fields) => lines.push({ ...fields }),
      );
      const traced = { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } };
      try {
        await t.ask('POST', '/api/v1/repos', { id: 'hidden-repo', memory_only: true });
        await t.ask('POST', '/api/v1/repos/hidden-repo/files', { path: 'hidden-path', content: 'hidden-content' }, traced);
        await t.ask('POST', '/api/v1/repos/hidden-repo/commits', { message: 'hidden-message', author: AUTHOR }, traced);
        await t.ask('GET', '/api/v1/repos/hidden-repo/files/none', undefined, traced);
        await t.ask('GET', '/version', undefined, { headers: { traceparent: '00-evil-\u001b[2J' } });
      } finally {
        await t.close();
        await receiver.stop();
      }
      const spans = receiver.trace(TRACE);
      const requests = spans.filter(({ name }) => name === 'api.request');
      const told = (name: string) => requests.map(({ attributes }) => attributes[name]);
      expect(told('git_kv.command')).to.deep.equal([
        'POST /api/v1/repos/:repo/files',
        'POST /api/v1/repos/:repo/commits',
        'GET /api/v1/repos/:repo/files/*',
      ]);
      expect([told('git_kv.status'), told('git_kv.code')]).to.deep.equal([
        [201, 201, 404],
        [undefined, undefined, 'NOT_FOUND'],
      ]);
      for (const { parentId, kind, failed } of requests)
        expect([parentId, kind, failed]).to.deep.equal([PARENT, 'server', false]);
      const commit = spans.find(({ name, attributes }) => name === 'api.repository' && attributes['git_kv.command'] === 'commit');
      expect(commit?.parentId).to.equal(requests[1]?.spanId);
      // What can't be read as a context is ignored: the request is a trace of its own.
      const own = receiver.spans.find(({ attributes }) => attributes['git_kv.command'] === 'GET /version');
      expect([own?.parentId, own?.traceId === TRACE]).to.deep.equal([null, false]);
      for (const body of receiver.bodies) expect(body.includes('hidden')).to.equal(false);
      expect([...receiver.services]).to.deep.equal(['git-kv-api']);
      const logged = lines.find(({ http_path: path }) => String(path).endsWith('/commits'));
      expect(logged).to.include({ trace_id: TRACE, http_status: 201 });
      expect(logged?.['user_id']).to.be.a('string');
      expect(logged?.['http_latency_ms']).to.be.a('number');
    });
  }

  it('show what is made durable together, in a trace of its own', async () => {
    const [receiver, folder] = await Promise.all([OtlpReceiver.start(), temporaryFolder()]);
    const t = await testApi({
      ...{ GIT_KV_API_TRACING_EXPORTER: 'otlp', GIT_KV_API_TRACING_ENDPOINT: receiver.url },
      GIT_KV_API_DATA: join(folder.path, 'data'),
    });
    try {
      await t.ask('POST', '/api/v1/repos', { id: 'kept' });
      await t.ask('POST', '/api/v1/repos/kept/files', { path: 'a', content: 'a' });
      const traced = { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } };
      const { status } = await t.ask('POST', '/api/v1/repos/kept/commits', { message: 'one', author: AUTHOR }, traced);
      expect(status).to.equal(201);
    } finally {
      await t.close();
      await receiver.stop();
      await folder.remove();
    }
    const persisted = receiver.spans.filter(({ name }) => name === 'api.persist');
    expect(persisted.map(({ attributes }) => attributes['git_kv.batch'])).to.deep.equal([1]);
    expect(persisted[0]?.attributes['git_kv.bytes']).to.be.within(100, 1000);
    expect([persisted[0]?.parentId, persisted[0]?.traceId === TRACE, persisted[0]?.failed]).to.deep.equal([null, false, false]);
  });

  it('are off unless they are asked for, and say what is wrong with how', async () => {
    const code = async (env: Record<string, string>): Promise<string> => {
      try {
        await readSettings(
          Object.fromEntries(Object.entries(env).map(([name, value]) => [`GIT_KV_API_${name}`, value])),
          undefined,
        );
        return 'good';
      } catch (error) {
        return KvError.is(error) ? `${error.code} ${error.message}` : String(error);
      }
    };
    expect(await code({ TRACING_EXPORTER: 'otel', TRACING_RATIO: '0.25' })).to.equal('good');
    for (const [name, value] of [
      ['TRACING_EXPORTER', 'jaeger'],
      ['TRACING_ENDPOINT', 'collector:4318'],
      ['TRACING_RATIO', '1.5'],
      ['METRICS_ALIAS_PREFIX', 'govc'],
      ['METRICS_ALIAS_PREFIX', 'a b_'],
      ['METRICS_ALIAS_PREFIX', 'git_kv_api_'],
      ['LOG_LEVEL', 'LOUD'],
    ] as const)
      expect(await code({ [name]: value }), `${name}=${value}`).to.match(/^CONFIG_INVALID /);
    expect(await code({ TRACING_EXPORTER: 'otlp', TRACING_RATIO: '0.5' })).to.match(/records all/);
    expect(await code({ LOG_LEVEL: 'FATAL' })).to.equal('good');
  });
});

describe('api: metrics', () => {
  let t: TestApi;
  before(async () => {
    t = await testApi({ GIT_KV_API_METRICS_ALIAS_PREFIX: 'govc_' });
  });
  after(() => t.close());

  it("are the specification's families, under our prefix and one that is asked for", async () => {
    await t.ask('POST', '/api/v1/repos', { id: 'r', memory_only: true });
    await t.ask('POST', '/api/v1/repos/r/transaction');
    await t.ask('GET', '/api/v1/repos/none');
    await t.ask('GET', `/none/${'x'.repeat(100)}`);
    const text = String((await t.ask('GET', '/metrics', undefined, { token: null })).body);
    for (const prefix of ['git_kv_api_', 'govc_']) {
      for (const line of [
        `${prefix}http_requests_total{method="POST",path="/api/v1/repos",status="201"} 1`,
        `${prefix}http_requests_total{method="GET",path="none",status="404"} 1`,
        `${prefix}http_request_duration_seconds_count{method="POST",path="/api/v1/repos"} 1`,
        `${prefix}repositories_total 1`,
        `${prefix}transactions_active 1`,
      ])
        expect(text).to.include(line);
      for (const family of ['uptime_seconds', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds'])
        expect(text).to.match(new RegExp(`^${prefix}${family} [\\d.]+$`, 'm'));
      expect(text).to.include(`# TYPE ${prefix}http_request_duration_seconds histogram`);
    }
    // No family twice: a scraper refuses that.
    const types = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(types).size).to.equal(types.length);
    expect(text).to.not.include('xxx');
  });

  it('have no other name unless one is asked for', () => {
    const text = '# HELP git_kv_api_a is git_kv_api_b\n# TYPE git_kv_api_a gauge\ngit_kv_api_a{path="git_kv_api_x"} 1\n';
    expect(withAliases(text, '')).to.equal(text);
    expect(withAliases(text, 'x_')).to.equal(`${text}# HELP x_a is git_kv_api_b\n# TYPE x_a gauge\nx_a{path="git_kv_api_x"} 1\n`);
  });
});
