import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEM_TYPE } from '../../http/problem.js';
import { type ErrorCode, KvError, toKvError } from '../../../ports/error.js';

/** What a request is refused with, by a code that clients know. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details?: unknown,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

const CODES: Readonly<Partial<Record<ErrorCode, readonly [status: number, code: string]>>> = {
  NOT_FOUND: [404, 'NOT_FOUND'],
  INPUT_INVALID: [400, 'INVALID_REQUEST'],
  KEY_INVALID: [400, 'INVALID_REQUEST'],
  CAS_CONFLICT: [409, 'CONFLICT'],
  POLICY_VIOLATION: [422, 'POLICY_VIOLATION'],
  EXPIRED: [410, 'TX_EXPIRED'],
  STORAGE_FULL: [507, 'STORAGE_FULL'],
  BUSY: [503, 'BUSY'],
  INTERRUPTED: [503, 'BUSY'],
  NOT_SUPPORTED: [501, 'NOT_SUPPORTED'],
};

const BY_STATUS: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'BODY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

/** What a thrown value is to the client; of a fault of ours nothing but that there was one. */
export function apiErrorOf(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (KvError.is(thrown)) {
    const [status, code] = CODES[thrown.code] ?? [500, 'INTERNAL_ERROR'];
    if (status === 500) return new ApiError(500, code, 'the request failed inside the server');
    const { reason, ...details } = thrown.details ?? {};
    if (reason === 'nothing-to-commit') return new ApiError(409, 'NOTHING_TO_COMMIT', thrown.message);
    const kept = Object.keys(details).length === 0 ? undefined : details;
    return new ApiError(status, code, thrown.hint === undefined ? thrown.message : `${thrown.message}: ${thrown.hint}`, kept);
  }
  const { statusCode, message, validation, validationContext } = thrown as {
    readonly statusCode?: unknown;
    readonly message?: unknown;
    readonly validation?: readonly Invalid[];
    readonly validationContext?: string;
  };
  if (validation !== undefined) {
    const faults = faultsOf(validation, validationContext ?? 'request').slice(0, 10);
    const first = faults[0];
    return new ApiError(400, 'INVALID_REQUEST', first === undefined ? 'the request is wrong' : `${first.at} ${first.message}`, {
      faults,
    });
  }
  if (statusCode === 415)
    return new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', 'the body is to be JSON: send it with Content-Type: application/json');
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new ApiError(statusCode, BY_STATUS[statusCode] ?? 'INVALID_REQUEST', String(message));
  if (toKvError(thrown).code === 'BUSY') return new ApiError(503, 'BUSY', 'the server is busy: try again later');
  return new ApiError(500, 'INTERNAL_ERROR', 'the request failed inside the server');
}

interface Invalid {
  readonly instancePath?: string;
  readonly message?: string;
  readonly params?: { readonly additionalProperties?: readonly string[] };
}

/** What is wrong with a request, in words; a member that is not known is told once, by its name. */
function faultsOf(validation: readonly Invalid[], context: string): { at: string; message: string; params: unknown }[] {
  return validation.flatMap(({ instancePath = '', message = '', params }) => {
    if (message === 'schema is false') return []; // what a closed object says of each member that it has not
    const at = context + instancePath;
    const unknown = params?.additionalProperties;
    return {
      at,
      message: unknown === undefined ? message : `has unknown members: ${unknown.slice(0, 5).join(', ').slice(0, 200)}`,
      params,
    };
  });
}

/** Answers with a problem (RFC 9457) that carries `error` and `code` too. */
export function sendError(request: FastifyRequest, reply: FastifyReply, thrown: unknown): FastifyReply {
  const { status, code, message, details, headers } = apiErrorOf(thrown);
  const title = STATUS_CODES[status] ?? 'Error';
  const body = { type: 'about:blank', title, status, detail: message, error: message, code, details, request_id: request.id };
  return reply
    .code(status)
    .headers(headers)
    .header('Content-Type', PROBLEM_TYPE)
    .header('Cache-Control', 'no-store')
    .send(Buffer.from(JSON.stringify(body))); // as bytes: to text, a charset would be added, which this type has not
}
