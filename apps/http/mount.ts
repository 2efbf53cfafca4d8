import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticate } from './authenticate.js';

/** What a mount gets besides the instance that it adds its routes to. */
interface MountContext {
  /** Fires when the listener begins to close. A mount ends its event streams then: the close waits for them, up to its grace. */
  readonly closing: AbortSignal;
}

/** One part of what a listener serves, under a path of its own. */
export interface Mount {
  /** `''` for the root, else a path such as `/v1`. No two mounts of a listener share one. */
  readonly prefix: string;
  /** Adds the routes. The instance is this mount's own: hooks, parsers and handlers that are added to it concern no other mount. */
  register(app: FastifyInstance, context: MountContext): void | Promise<void>;
  /** Says who asks, before each request to this mount, also to a path that it has not got; absent: anybody may. */
  readonly authenticate?: Authenticate;
  /** Answers a path that no route has; absent: a problem body with status 404. Runs before any body is read. */
  readonly unknown?: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
}
