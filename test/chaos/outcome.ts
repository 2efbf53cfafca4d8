import { KvError } from '../../ports/error.js';

/** What says for certain that a write has not landed. After any other error nobody knows. */
export const ANSWERS: ReadonlySet<string> = new Set([
  'CAS_CONFLICT',
  'NOT_FOUND',
  'TRANSACTION_REUSED',
  'POLICY_VIOLATION',
  'KEY_INVALID',
]);

/** Whether an error is the Stargate's answer, and not that there was none. */
export const isAnswer = (error: unknown): error is KvError => KvError.is(error) && ANSWERS.has(error.code);
