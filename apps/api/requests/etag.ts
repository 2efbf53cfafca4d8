import type { FastifyRequest } from 'fastify';
import { ApiError } from '../problems/errors.js';

/** An id as an entity tag. */
export const etag = (oid: string): string => `"${oid}"`;

/** Throws `PRECONDITION_FAILED` where a request's `If-Match` names another state than the one there is; null for none. */
export function checkIfMatch({ headers }: Pick<FastifyRequest, 'headers'>, current: string | null): void {
  const wanted = headers['if-match'];
  if (wanted === undefined) return;
  const tags = wanted.split(',').map((tag) => tag.trim());
  if (current !== null && (tags.includes('*') || tags.includes(etag(current)))) return;
  throw new ApiError(412, 'PRECONDITION_FAILED', 'it has changed since: read it again', { current });
}

/** Whether the client has this state already, by its `If-None-Match`. */
export function hasIt({ headers }: Pick<FastifyRequest, 'headers'>, oid: string): boolean {
  const known = headers['if-none-match'];
  return known?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag(oid)) === true;
}
