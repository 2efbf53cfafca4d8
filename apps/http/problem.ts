import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, KvError, toKvError } from '../../ports/error.js';
import { toldOutside } from '../../ports/told-outside.js';

/** What is said of a request that failed; becomes a body as RFC 9457 has it. */
interface Problem {
  readonly status: number;
  readonly detail: string;
  readonly code?: ErrorCode;
  readonly hint?: string | undefined;
}

/** The status that goes with an error code; what is not here is 500. */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  CAS_CONFLICT: 409,
  POLICY_VIOLATION: 403,
  SIGNATURE_MISSING: 403,
  SIGNATURE_INVALID: 403,
  SIGNER_UNKNOWN: 403,
  REF_FORBIDDEN: 403,
  KEY_INVALID: 400,
  INPUT_INVALID: 400,
  USAGE: 400,
  NOT_FOUND: 404,
  EXPIRED: 410,
  ATTESTATION_MISMATCH: 409,
  SYNC_REFUSED: 409,
  BEHIND_MIRROR: 409,
  NOT_SUPPORTED: 501,
  NOT_LEADER: 503,
  STORAGE_FULL: 507,
  MIRROR_TIMEOUT: 504,
};

/** The problem that a thrown value is. Of a fault of ours nothing is told but that there was one: the log has the rest. */
export function problemOf(thrown: unknown): Problem {
  if (!KvError.is(thrown)) {
    // What the HTTP library refuses by itself: a body too large, JSON that is none, a schema that does not fit.
    const { statusCode, message } = thrown as { statusCode?: unknown; message?: unknown };
    if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
      return { status: statusCode, detail: String(message) };
  }
  const error = toKvError(thrown);
  const { code } = error;
  const status = STATUS[code] ?? 500;
  if (code === 'UNEXPECTED') return { status, code, detail: 'the request failed inside the server' };
  const { message, hint } = toldOutside(error);
  return { status, code, detail: message, hint };
}

/** The body as text: `application/problem+json`. */
export function problemBody({ status, detail, code, hint }: Problem, requestId?: string): string {
  const title = STATUS_CODES[status] ?? 'Error';
  return `${JSON.stringify({ type: 'about:blank', title, status, detail, code, hint, request_id: requestId })}\n`;
}

/** The content type of `problemBody`. */
export const PROBLEM_TYPE = 'application/problem+json';

/** Answers a request with a problem. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .header('Content-Type', PROBLEM_TYPE)
    .header('Cache-Control', 'no-store')
    .send(Buffer.from(problemBody(problem, request.id))); // as bytes: to text, a charset would be added, which this type has not
}
