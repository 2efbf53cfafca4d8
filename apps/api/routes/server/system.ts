import { Type } from 'typebox';
import { apiMetrics } from '../../observed/metrics.js';
import { answers } from '../../schemas/common.js';
import type { ApiApp, ApiContext } from '../../requests/context.js';

const Health = Type.Object({ status: Type.String() });
const Stats = Type.Object({
  ...{ total: Type.Integer(), open: Type.Integer(), memory_only: Type.Integer(), in_use: Type.Integer() },
  ...{ evicted: Type.Integer(), max_repositories: Type.Integer() },
});
const Detailed = Type.Object({
  ...{ status: Type.String(), version: Type.String(), uptime_seconds: Type.Number(), pool: Stats },
  memory: Type.Object({ rss_bytes: Type.Integer(), heap_used_bytes: Type.Integer() }),
});

/** What the process says of itself, at the root: for anybody, but what is in it for the detailed view and the metrics of requests. */
export function systemRoutes(app: ApiApp, context: ApiContext): void {
  const { pool, clock, startedAt, version, settings } = context;
  const tags = ['system'];
  const open = { config: { access: 'anyone' as const } };
  const schema = (summary: string, response: ReturnType<typeof answers>) => ({ summary, tags, security: [], response });
  for (const [path, summary] of [
    ['/health/live', 'Whether the server runs'],
    ['/health/ready', 'Whether it can handle requests'],
  ] as const) {
    app.get(path, { ...open, schema: schema(summary, answers(200, Health)) }, async () => ({ status: 'ok' }));
  }
  app.get('/health', { ...open, schema: schema('How the server is', answers(200, Detailed)) }, async () => {
    const { rss, heapUsed } = process.memoryUsage();
    const uptime = (clock.now() - startedAt) / 1000;
    return {
      status: 'ok',
      version,
      uptime_seconds: uptime,
      pool: pool.stats(),
      memory: { rss_bytes: rss, heap_used_bytes: heapUsed },
    };
  });
  app.get(
    '/version',
    {
      ...open,
      schema: schema('Which version this is', answers(200, Type.Object({ name: Type.String(), version: Type.String() }))),
    },
    async () => ({ name: 'git-kv-api', version }),
  );
  app.get(
    '/api/v1/pool/stats',
    { config: { access: 'system:admin' }, schema: { summary: 'How the pool is', tags, response: answers(200, Stats) } },
    async () => pool.stats(),
  );
  app.post(
    '/api/v1/pool/cleanup',
    {
      config: { access: 'system:admin' },
      schema: {
        summary: 'Close what nobody uses now',
        tags,
        response: answers(200, Type.Object({ status: Type.String(), closed: Type.Integer() })),
      },
    },
    async () => ({ status: 'success', closed: await pool.cleanup(0) }),
  );
  if (settings.metrics) metricsRoute(app, context);
}

function metricsRoute(app: ApiApp, context: ApiContext): void {
  const metrics = apiMetrics(context);
  app.addHook('onResponse', async (request, reply) => {
    const route = request.is404 ? null : (request.routeOptions.url ?? null);
    metrics.observe({ id: request.id, method: request.method, route, status: reply.statusCode, ms: reply.elapsedTime });
  });
  app.get(
    context.settings.metricsPath,
    {
      config: { access: 'anyone' },
      schema: { summary: 'What Prometheus scrapes', tags: ['system'], security: [], response: { 200: Type.Unknown() } },
    },
    async (_request, reply) => reply.header('Content-Type', metrics.contentType).send(Buffer.from(await metrics.text())),
  );
}
