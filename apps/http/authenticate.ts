import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sendProblem } from './problem.js';

/** Who sent a request, as far as every mount cares. A mount's own `Authenticate` may give more. */
interface Caller {
  /** A name for people, as the log shows it. */
  readonly name: string;
}

/** How a mount knows its callers. */
export interface Authenticate {
  /** The `WWW-Authenticate` of a refusal, such as `Bearer realm="git-kv"`. */
  readonly challenge: string;
  /** The caller; null for a request that proves nobody. Throws a KvError for a request to be refused otherwise. */
  identify(request: FastifyRequest): Promise<Caller | null>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null in a mount that doesn't ask. */
    caller: Caller | null;
  }
}

/** Lets only requests through whose caller is known; the others get 401, before their body is read. */
export function requireCaller(app: FastifyInstance, { challenge, identify }: Authenticate): void {
  app.addHook('onRequest', async (request, reply) => {
    request.caller = await identify(request);
    if (request.caller !== null) return undefined;
    reply.header('WWW-Authenticate', challenge);
    return sendProblem(request, reply, { status: 401, detail: 'the request does not say who sends it' });
  });
}
