import { parseTraceparent } from '../../../ports/grammar/trace-context.js';
import { KvError } from '../../../ports/error.js';
import type { Span } from '../../../ports/tracing.js';
import type { Traces } from '../observed/tracing.js';
import type { ApiApp } from './context.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The request's span; null where nobody follows. */
    span: Span | null;
  }
}

/** A span for each request, which goes on from the `traceparent` that the client sends. It says the route, and nothing of what was asked. */
export function traceRequests(app: ApiApp, { tracing, within }: Traces): void {
  app.decorateRequest('span', null);
  if (!tracing.isOn) return;
  app.addHook('onRequest', (request, _reply, done) => {
    const { traceparent } = request.headers;
    const parent = typeof traceparent === 'string' ? parseTraceparent(traceparent) : null;
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    const span = tracing.begin('api.request', { parent, facts: { request: request.id, command: `${request.method} ${route}` } });
    request.span = span;
    within(span, done);
  });
  // A body comes by the connection's own events, which know nothing of the request.
  app.addHook('preValidation', (request, _reply, done) => (request.span === null ? done() : within(request.span, done)));
  app.addHook('onResponse', async ({ span }, { statusCode: status }) => {
    span?.note({ status });
    // What a client did wrong is no failure of ours.
    span?.end(status < 500 ? undefined : new KvError('UNEXPECTED', 'the request failed'));
  });
}
