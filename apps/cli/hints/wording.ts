import type { AdviceId, AdviceOf } from '../../../ports/advice.js';

/** The words of some advice: what to do next in the commands of `git kv`, as one sentence. */
export type Words<Id extends AdviceId> = { readonly [Each in Id]: (facts: AdviceOf<Each>) => string };
