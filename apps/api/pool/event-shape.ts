import type { EventFacts } from './event-facts.js';
import type { LoggedEvent } from './events.js';

/** Paths that are named in an event. */
const NAMED = 100;

/** An event as streams and webhooks tell it. */
export function eventShape({ ref, old, next, reason, time }: LoggedEvent, { commit, paths, partial }: EventFacts) {
  return {
    ...{ ref, branch: ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null, old, new: next, reason },
    time: new Date(time).toISOString(),
    ...{ author: commit?.author.name ?? null, email: commit?.author.email ?? null },
    message: commit?.message.slice(0, 1000).replace(/\n$/, '') ?? null,
    ...{ paths: paths.slice(0, NAMED), more_paths: partial || paths.length > NAMED },
  };
}
