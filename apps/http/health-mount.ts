import type { FastifyReply, FastifyRequest } from 'fastify';
import { toKvError } from '../../ports/error.js';
import type { Mount } from './mount.js';

/** An answer to "are you well": the reasons say what is wrong, and are empty when nothing is. */
export interface Health {
  readonly reasons: readonly string[];
  /** What should be looked at, and keeps nobody from working. */
  readonly warnings?: readonly string[];
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** What a process says of itself to whoever watches over it. */
export interface HealthSources {
  /** Whether this process can do its work. */
  readonly healthz: () => Promise<Health>;
  /** Whether traffic is to be sent here; with `parts`, what was asked for behind the question mark counts too. */
  readonly readyz: (parts: ReadonlySet<string>) => Promise<Health>;
  /** What Prometheus scrapes. */
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
}

/** `/healthz`, `/readyz` and `/metrics`, at the root, for anybody; what else is asked there is answered in plain text. */
export function healthMount({ healthz, readyz, metrics }: HealthSources): Mount {
  const known = ['/healthz', '/readyz', '/metrics'];
  return {
    prefix: '',
    async unknown(request, reply) {
      if (!known.includes(request.url.split('?', 1)[0] ?? '')) return answer(reply, 404, 'text/plain', 'not found\n');
      return answer(reply.header('Allow', 'GET, HEAD'), 405, 'text/plain', 'GET and HEAD only\n');
    },
    register(app) {
      const tell = (ask: HealthSources['readyz']) => async (request: FastifyRequest, reply: FastifyReply) => {
        const { reasons, warnings = [], facts } = await ask(new Set(Object.keys(request.query as object)));
        const status = reasons.length === 0 ? 'ok' : 'unavailable';
        const body = { status, reasons, ...(warnings.length === 0 ? {} : { warnings }), ...facts };
        return answer(reply, reasons.length === 0 ? 200 : 503, 'application/json', `${JSON.stringify(body)}\n`);
      };
      app.get('/healthz', tell(healthz));
      app.get('/readyz', tell(readyz));
      app.get('/metrics', async (_request, reply) => answer(reply, 200, metrics.contentType, await metrics.text()));
      app.setErrorHandler(async (thrown, _request, reply) => {
        const body = JSON.stringify({ status: 'error', reasons: [toKvError(thrown).message] });
        return answer(reply, 500, 'application/json', body);
      });
    },
  };
}

function answer(reply: FastifyReply, status: number, type: string, body: string): FastifyReply {
  // As bytes: to text, the library would add a charset that watchers have not seen so far.
  return reply.code(status).header('Content-Type', type).header('Cache-Control', 'no-store').send(Buffer.from(body));
}
