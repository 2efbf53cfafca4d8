import { KvError, toKvError } from '../../../ports/error.js';

/** What a client may be told of an error: of a fault of ours, that there was one. */
export function wordsFor(thrown: unknown): string {
  const { code, message } = toKvError(thrown);
  const isTheirs = KvError.is(thrown) && code !== 'UNEXPECTED' && code !== 'IO_ERROR' && code !== 'GIT_ERROR';
  const text = isTheirs ? message : 'the request failed inside the server';
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, 500);
}
