import { expect } from 'chai';
import { KvError } from '../../ports/error.js';
import type { ErrorCode } from '../../ports/error.js';

/** The KvError that a promise must reject with. */
export async function failure(promise: Promise<unknown>, code: ErrorCode): Promise<KvError> {
  const caught = await promise.then(
    () => new Error(`expected ${code}, but it resolved`),
    (error: unknown) => error,
  );
  if (!KvError.is(caught)) throw caught;
  expect(caught.code, caught.message).to.equal(code);
  return caught;
}
