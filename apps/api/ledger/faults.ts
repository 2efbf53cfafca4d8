import { KvError, type ErrorCode } from '../../../ports/error.js';
import { ApiError } from '../problems/errors.js';

/** What is the Stargate's, the mirror's or the clone's affair, and not that of whoever asks. */
const UPSTREAM: readonly ErrorCode[] = ['IO_ERROR', 'GIT_ERROR', 'ATTESTATION_MISMATCH', 'CONFIG_INVALID', 'FORMAT_UNSUPPORTED'];
/** That this server's key may not write there, which its operator and the policy's admin settle. */
const NOT_ADMITTED: readonly ErrorCode[] = ['SIGNER_UNKNOWN', 'SIGNATURE_MISSING', 'SIGNATURE_INVALID'];

/** Does work with a ledger; what fails on the other side says so. A key that has expired is gone, and no transaction of a repository. */
export async function withLedger<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw faultOf(error);
  }
}

function faultOf(error: unknown): unknown {
  if (!KvError.is(error)) return error;
  const { code, message } = error;
  if (code === 'EXPIRED') return new ApiError(410, 'EXPIRED', message);
  if (code === 'NOT_LEADER' || code === 'BEHIND_MIRROR') return new ApiError(503, code, message);
  if (NOT_ADMITTED.includes(code))
    return new ApiError(502, 'NOT_ADMITTED', `the Stargate does not take what this server signs: ${message}`);
  if (UPSTREAM.includes(code)) return new ApiError(502, 'LEDGER_UNAVAILABLE', `the ledger could not be had: ${message}`);
  if (code === 'USAGE') return new ApiError(400, 'INVALID_REQUEST', message);
  return error;
}
