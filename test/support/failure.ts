import { expect } from 'chai';
import { KvError, type ErrorCode } from '../../ports/error.js';
import { parseRejection } from '../../ports/rejection.js';

/** The KvError that a promise must reject with. */
export async function refusal(work: Promise<unknown>): Promise<KvError> {
  const caught = await work.then(
    () => new Error('it was not refused'),
    (error: unknown) => error,
  );
  if (KvError.is(caught)) return caught;
  throw caught;
}

/** The same, which must have this code. */
export async function failure(work: Promise<unknown>, code: ErrorCode): Promise<KvError> {
  const caught = await refusal(work);
  expect(caught.code, caught.message).to.equal(code);
  return caught;
}

/** What a Stargate has told a client over git, from the client's standard error; undefined when that has no such line. */
export function rejectionIn(stderr: string): KvError | undefined {
  return stderr
    .split('\n')
    .map(parseRejection)
    .find((error) => error !== undefined);
}
