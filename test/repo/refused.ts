import { expect } from 'chai';
import type { ErrorCode } from '../../ports/error.js';
import { KvError } from '../../ports/error.js';

/** The error that a call is refused with, which must have this code. */
export async function refused(call: Promise<unknown>, code: ErrorCode): Promise<KvError> {
  const error = await call.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown,
  );
  if (!KvError.is(error)) throw error;
  expect(error.code, error.message).to.equal(code);
  return error;
}
