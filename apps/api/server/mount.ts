import { promisify } from 'node:util';
import type { TSchema } from 'typebox';
import { gzip } from 'node:zlib';
import swagger from '@fastify/swagger';
import { TypeBoxValidatorCompiler, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Mount } from '../../http/mount.js';
import { KvError } from '../../../ports/error.js';
import { authRoutes } from '../routes/access/auth.js';
import { automationRoutes } from '../routes/automation/routes.js';
import { docsRoutes } from '../routes/server/docs.js';
import { eventRoutes } from '../routes/events.js';
import { fileRoutes } from '../routes/files.js';
import { gitRoutes } from '../routes/git.js';
import { historyRoutes } from '../routes/history.js';
import { mergingRoutes } from '../routes/merging.js';
import { realityRoutes } from '../routes/realities.js';
import { refRoutes } from '../routes/refs.js';
import { repositoryRoutes } from '../routes/repositories.js';
import { searchRoutes } from '../routes/search.js';
import { systemRoutes } from '../routes/server/system.js';
import { transactionRoutes } from '../routes/transactions.js';
import { transferRoutes } from '../routes/transfer.js';
import { userRoutes } from '../routes/access/users.js';
import { ledgerRoutes } from '../routes/ledger/routes.js';
import { guardAccess } from '../requests/access.js';
import type { ApiApp, ApiContext } from '../requests/context.js';
import { ApiError, apiErrorOf, sendError } from '../problems/errors.js';
import { idempotent } from '../requests/idempotency.js';
import { ServedPaths } from './served-paths.js';
import { traceRequests } from '../requests/trace-requests.js';

const compress = promisify(gzip);
/** Smaller answers are not worth it, bytes. */
const WORTH_GZIP = 1024;

/** Everything that this server answers, at the root. */
export function apiMount(context: ApiContext): Mount {
  const served = new ServedPaths();
  return {
    prefix: '',
    async unknown(request, reply) {
      const methods = served.methodsAt(request.url.split('?', 1)[0] ?? '');
      if (methods.length > 0) {
        const allow = { Allow: methods.join(', ') };
        const says = `this path takes ${methods.join(', ')}`;
        return sendError(request, reply, new ApiError(405, 'METHOD_NOT_ALLOWED', says, undefined, allow));
      }
      return sendError(request, reply, new ApiError(404, 'NOT_FOUND', 'nothing is served at this path with this method'));
    },
    async register(plain, { closing }) {
      const app: ApiApp = plain.withTypeProvider<TypeBoxTypeProvider>();
      app.addHook('onRoute', ({ url, method }) => served.add(url, [method].flat()));
      // Parameters of a path are texts. To convert them would fail: the library makes a pattern of each name, and '*' is none.
      app.setValidatorCompiler<TSchema>((route) =>
        TypeBoxValidatorCompiler(route.httpPart === 'params' ? { ...route, httpPart: 'body' } : route),
      );
      await app.register(swagger, { openapi: openApi(context.version), transform: namedRest });
      app.setErrorHandler(async (thrown, request, reply) => {
        const { status, code } = apiErrorOf(thrown);
        request.span?.note({ code });
        if (status === 500)
          context.log('ERROR', 'request failed', {
            request_id: request.id,
            error: KvError.is(thrown) ? thrown.message : String(thrown),
          });
        return sendError(request, reply, thrown);
      });
      traceRequests(app, context.traces);
      logRequests(app, context);
      guardAccess(app, context);
      idempotent(app, context);
      compressed(app);
      systemRoutes(app, context);
      docsRoutes(app);
      await app.register(async (own) => gitRoutes(own.withTypeProvider<TypeBoxTypeProvider>(), context), { prefix: '/git' });
      await app.register(
        async (own) => {
          const api: ApiApp = own.withTypeProvider<TypeBoxTypeProvider>();
          for (const add of ROUTES) add(api, context);
          eventRoutes(api, context, closing);
          automationRoutes(api, context, closing);
          ledgerRoutes(api, context, closing);
        },
        { prefix: '/api/v1' },
      );
    },
  };
}

const ROUTES = [
  ...[repositoryRoutes, transferRoutes, fileRoutes, historyRoutes, refRoutes, mergingRoutes, searchRoutes],
  ...[transactionRoutes, realityRoutes, authRoutes, userRoutes],
];

/** In a description the rest of a path has a name. */
function namedRest<S>({ schema, url }: { readonly schema: S; readonly url: string }): { schema: S; url: string } {
  const { params } = (schema ?? {}) as { readonly params?: { readonly properties?: object } };
  if (params?.properties === undefined || !url.endsWith('/*')) return { schema, url };
  const text = JSON.stringify(params).replaceAll('"*"', '"path"');
  return { schema: { ...schema, params: JSON.parse(text) as unknown }, url: `${url.slice(0, -1)}:path` };
}

function openApi(version: string) {
  return {
    openapi: '3.1.0',
    info: { title: 'git-kv-api', version, description: 'Git repositories in memory over HTTP' },
    components: {
      securitySchemes: {
        token: { type: 'http' as const, scheme: 'bearer', bearerFormat: 'JWT' },
        key: { type: 'apiKey' as const, name: 'X-API-Key', in: 'header' as const },
      },
    },
    security: [{ token: [] }, { key: [] }],
  };
}

function logRequests(app: ApiApp, { log }: ApiContext): void {
  app.addHook('onResponse', async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    log('INFO', 'HTTP request processed', {
      ...{
        request_id: request.id,
        user_id: request.holder?.user?.id ?? null,
        http_method: request.method,
        http_path: path.slice(0, 500),
      },
      ...(request.span?.context ? { trace_id: request.span.context.traceId } : {}),
      ...{ http_status: reply.statusCode, http_latency_ms: Math.round(reply.elapsedTime * 100) / 100 },
    });
  });
}

function compressed(app: ApiApp): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' || payload.length < WORTH_GZIP) return payload;
    reply.header('Vary', 'Accept-Encoding');
    if (!/\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/i.test(String(request.headers['accept-encoding'] ?? ''))) return payload;
    reply.header('Content-Encoding', 'gzip').removeHeader('Content-Length');
    return compress(payload);
  });
}
