import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { requireCaller } from './authenticate.js';
import { USUAL_LIMITS } from '../../ports/stargate/limits.js';
import { boundCrowd, type CrowdBounds, crowdBounds } from './crowd.js';
import { drainable } from './drain.js';
import { HTTP_LIMITS, type HttpLimits } from './limits.js';
import { linger } from './linger.js';
import type { Mount } from './mount.js';
import { PROBLEM_TYPE, problemBody, problemOf, sendProblem } from './problem.js';
import { REQUEST_ID_HEADER, requestId } from './request-id.js';
import type { ServedRequest } from './request-metrics.js';

/** Where a listener listens, what it puts up with, and who is told. */
export interface ListenOptions {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly limits?: Partial<HttpLimits>;
  /** Bounds on all connections, asked for each; absent: the usual ones. */
  readonly crowd?: () => CrowdBounds;
  /** Told of each request that has ended, for metrics and logs. */
  readonly observe?: (request: ServedRequest) => void;
  /** Told of what a handler threw and the client is not told. */
  readonly failed?: (thrown: unknown, requestId: string) => void;
}

/** A listener that answers, at the port that it was given. */
export interface HttpListener {
  readonly host: string;
  readonly port: number;
  /**
   * Stops listening and waits for the requests at hand, for at most `grace` ms, then cuts them off. Connections without a
   * request are closed at once.
   */
  close(grace: number): Promise<void>;
}

/** What answers requests, before it listens anywhere. */
export interface HttpApp {
  readonly app: FastifyInstance;
  /** Tells the mounts that the end is near. */
  readonly closing: AbortController;
}

/** Puts the mounts together, with what all of them have in common. Nothing listens yet: a test can ask it without a socket. */
export function httpApp(mounts: readonly Mount[], options: Omit<ListenOptions, 'host' | 'port'>): HttpApp {
  const limits = { ...HTTP_LIMITS, ...options.limits };
  const app = server(limits, (options.crowd ?? usualCrowd)().headersTimeout);
  const closing = new AbortController();
  common(app, options);
  for (const mount of mounts) mountOn(app, mount, closing.signal);
  if (mounts.every(({ prefix }) => prefix !== '')) nothingAt(app, undefined);
  return { app, closing };
}

const usualCrowd = (): CrowdBounds => crowdBounds(USUAL_LIMITS);

/** Serves the mounts on one address. Throws Node's error when the address can't be had. */
export async function listen(mounts: readonly Mount[], options: ListenOptions): Promise<HttpListener> {
  const { app, closing } = httpApp(mounts, options);
  const drain = drainable(app.server);
  boundCrowd(app.server, options.crowd ?? usualCrowd);
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    await app.close();
    throw error;
  }
  app.server.on('error', () => undefined); // a connection for which there was no descriptor: its client finds it closed
  const { address, port } = app.server.address() as AddressInfo;
  return {
    host: address,
    port,
    async close(grace) {
      closing.abort();
      const end = drain(grace);
      await app.close();
      end();
    },
  };
}

/** A body that is larger than it may be. */
const TOO_LARGE = 413;
/** How often Node looks whose time is up, ms: its own half a minute would make every shorter bound one of half a minute. */
const LOOK_EVERY_MS = 1000;

function server(limits: HttpLimits, headersTimeout: number): FastifyInstance {
  return fastify({
    ...{ requestTimeout: limits.requestTimeout, keepAliveTimeout: limits.keepAliveTimeout },
    ...{ connectionTimeout: limits.idleTimeout, bodyLimit: limits.maxBodyBytes },
    http: { headersTimeout, connectionsCheckingInterval: LOOK_EVERY_MS, maxHeaderSize: limits.maxHeaderBytes },
    return503OnClosing: false, // a connection that is being closed says so by itself
    genReqId: requestId,
    frameworkErrors(error, request, reply) {
      mark(request, reply); // no hook has run
      sendProblem(request, reply, problemOf(error));
    },
    clientErrorHandler(error, socket) {
      if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
      const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
      const body = problemBody({ status, detail: 'the request cannot be read' });
      const head = `HTTP/1.1 ${status} \r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}`;
      socket.end(`${head}\r\nConnection: close\r\n\r\n${body}`);
    },
  });
}

/** What every answer has. */
function mark(request: FastifyRequest, reply: FastifyReply): void {
  reply.header(REQUEST_ID_HEADER, request.id).header('X-Content-Type-Options', 'nosniff');
}

/** What is done for every request, and what becomes of every fault. */
function common(app: FastifyInstance, { observe, failed }: Pick<ListenOptions, 'observe' | 'failed'>): void {
  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (request, reply) => {
    mark(request, reply);
    reply.raw.once('close', () => {
      const route = request.is404 ? null : (request.routeOptions.url ?? null);
      observe?.({ id: request.id, method: request.method, route, status: reply.statusCode, ms: reply.elapsedTime });
    });
  });
  app.addHook('onSend', async (request, reply) => {
    if (reply.statusCode === TOO_LARGE) linger(request.raw);
  });
  app.setErrorHandler(async (thrown, request, reply) => {
    const problem = problemOf(thrown);
    if (problem.status >= 500) failed?.(thrown, request.id);
    return sendProblem(request, reply, problem);
  });
}

function mountOn(app: FastifyInstance, mount: Mount, closing: AbortSignal): void {
  void app.register(
    async (own) => {
      if (mount.authenticate !== undefined) requireCaller(own, mount.authenticate);
      nothingAt(own, mount.unknown);
      await mount.register(own, { closing });
    },
    { prefix: mount.prefix },
  );
}

/** Answers paths without a route, in a hook: at the handler, the body would have been read already. */
function nothingAt(app: FastifyInstance, unknown: Mount['unknown']): void {
  const detail = 'nothing is served at this path';
  app.setNotFoundHandler(async () => undefined);
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return undefined;
    await (unknown ?? (async () => sendProblem(request, reply, { status: 404, detail })))(request, reply);
    return reply;
  });
}
