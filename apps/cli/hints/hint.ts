import type { Advice, AdviceId } from '../../../ports/advice.js';
import { KvError } from '../../../ports/error.js';
import { READING } from './read.js';
import { REMOTE } from './remote.js';
import { VERIFYING } from './verify.js';
import { WRITING } from './write.js';
import type { Words } from './wording.js';

const WORDS: Words<AdviceId> = { ...READING, ...WRITING, ...REMOTE, ...VERIFYING };

/** What to do next, in this program's own commands. */
export function words(advice: Advice): string {
  const say = WORDS[advice.id] as (facts: Advice) => string; // the table has for each id the words that take its facts
  return say(advice);
}

/** An error's hint: its advice in words; else the hint that it came with, which may be that of an older Stargate. */
export function hintOf(error: KvError): string | undefined {
  if (error.advice === undefined) return error.hint;
  const hint = words(error.advice);
  if (error.advice.id !== 'skip-landed' || !KvError.is(error.cause)) return hint;
  // What stopped the import has advice of its own.
  const why = hintOf(error.cause);
  return why === undefined ? hint : `${hint}; ${why}`;
}
