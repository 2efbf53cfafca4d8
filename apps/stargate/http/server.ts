import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toKvError } from '../../../ports/error.js';
import { cannotListen } from '../endpoints.js';
import type { Metrics } from './metrics.js';

/** An answer to "are you well": the reasons say what is wrong, and are empty when nothing is. */
export interface Health {
  readonly reasons: readonly string[];
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  /** The repository can be read and its hooks are in place. */
  readonly healthz: () => Promise<Health>;
  /** Leader, mirror reachable, queue draining. */
  readonly readyz: () => Promise<Health>;
  readonly metrics: Metrics;
}

export interface HttpListener {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Serves /healthz, /readyz and /metrics. Throws `IO_ERROR` when the address can't be had. */
export async function listenHttp(options: HttpServerOptions): Promise<HttpListener> {
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000, maxHeaderSize: 8192 },
    (request, response) => {
      respond(request, response, options).catch((thrown: unknown) => {
        send(
          request,
          response,
          500,
          'application/json',
          JSON.stringify({ status: 'error', reasons: [toKvError(thrown).message] }),
        );
      });
    },
  );
  server.maxConnections = 128;
  server.setTimeout(15_000);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen('HTTP', options, cause)));
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    host: address.address,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(request: IncomingMessage, response: ServerResponse, options: HttpServerOptions): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0];
  const health = path === '/healthz' ? options.healthz : path === '/readyz' ? options.readyz : undefined;
  if (health === undefined && path !== '/metrics') return send(request, response, 404, 'text/plain', 'not found\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return send(request, response, 405, 'text/plain', 'GET and HEAD only\n');
  }
  if (health === undefined) return send(request, response, 200, options.metrics.contentType, await options.metrics.text());
  const { reasons, facts } = await health();
  const body = { status: reasons.length === 0 ? 'ok' : 'unavailable', reasons, ...facts };
  send(request, response, reasons.length === 0 ? 200 : 503, 'application/json', `${JSON.stringify(body)}\n`);
}

function send(request: IncomingMessage, response: ServerResponse, status: number, type: string, body: string): void {
  if (response.headersSent) return void response.destroy();
  const headers = {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  };
  response.writeHead(status, headers);
  response.end(request.method === 'HEAD' ? undefined : body);
}
