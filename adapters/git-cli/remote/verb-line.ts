import { KvError } from '../../../ports/error.js';
import { shellQuote } from './ssh/shell-quote.js';

function checkVerb(verb: string): void {
  if (/^[a-z][a-z0-9-]*( [a-z][a-z0-9-]*)*$/.test(verb)) return;
  throw new KvError('INPUT_INVALID', `'${verb}' is not one of the Stargate's verbs`, { hint: 'a verb is lower-case words' });
}

/** What a Stargate is asked to run for a verb. Throws `INPUT_INVALID` for what can be none. */
export function verbLine(path: string, verb: string, args: readonly string[]): string {
  checkVerb(verb);
  return ['git-kv-admin', shellQuote(path), verb, ...args.map(shellQuote)].join(' ');
}
