import { globMatcher } from '../../../domain/repo/objects/paths.js';
import type { Repository } from '../../../domain/repo/repository.js';
import type { CommitInfo } from '../../../domain/repo/types.js';
import type { LoggedEvent } from './events.js';

/** What an event is about, besides the ref. */
export interface EventFacts {
  /** What the ref names now; null where it is gone. */
  readonly commit: CommitInfo | null;
  /** `Name <email>` of those who wrote what is new, each once. */
  readonly authors: readonly string[];
  /** Paths that differ from before, sorted. */
  readonly paths: readonly string[];
  /** There is more than what stands here: too much, or what was before is gone. */
  readonly partial: boolean;
}

/** Which events somebody wants. */
export interface EventFilter {
  readonly branch?: string | null | undefined;
  /** A glob: without a slash, of names in any folder. */
  readonly path?: string | null | undefined;
  /** Part of `Name <email>`, in any case. */
  readonly author?: string | null | undefined;
}

/** Commits and paths that are looked at for one event. */
const COMMITS = 100;
const PATHS = 1000;

/** Tells of events, each looked into once however many want to know. */
export class FactsOfEvents {
  private readonly known = new WeakMap<LoggedEvent, Promise<EventFacts>>();

  constructor(private readonly use: <T>(id: string, work: (repository: Repository) => Promise<T>) => Promise<T>) {}

  of(id: string, event: LoggedEvent): Promise<EventFacts> {
    let facts = this.known.get(event);
    if (facts === undefined) {
      facts = this.use(id, (repository) => factsOf(repository, event)).catch(() => UNKNOWN); // the repository or the commits are gone
      this.known.set(event, facts);
    }
    return facts;
  }
}

const UNKNOWN: EventFacts = { commit: null, authors: [], paths: [], partial: true };
/** Names of what was there before. */
const NAMING: readonly string[] = ['branch', 'tag', 'rename'];

async function factsOf(repository: Repository, { ref, old, next, reason }: LoggedEvent): Promise<EventFacts> {
  if (next === null) return { commit: null, authors: [], paths: [], partial: false };
  const { commits, total } = await repository.log({ from: next, limit: COMMITS, ...(old === null ? {} : { exclude: [old] }) });
  const [newest] = commits;
  const commit = newest?.oid === next ? newest : ((await repository.log({ from: next, limit: 1 })).commits[0] ?? null);
  const isNaming = old === null && (NAMING.includes(reason) || !ref.startsWith('refs/heads/'));
  const fresh = isNaming ? [] : commits;
  const changed = isNaming ? [] : await repository.changed(old, next);
  return {
    commit,
    authors: [
      ...new Set([...fresh, ...(commit === null ? [] : [commit])].map(({ author: { name, email } }) => `${name} <${email}>`)),
    ],
    paths: changed.slice(0, PATHS).map(({ path }) => path),
    partial: changed.length > PATHS || (!isNaming && total > COMMITS),
  };
}

/** Whether an event is wanted. What can't be known in full is told rather than kept back. Throws `INPUT_INVALID` for a pattern that is none. */
export function eventMatcher({ branch, path, author }: EventFilter): (event: LoggedEvent, facts: EventFacts) => boolean {
  const ref = (branch ?? '') === '' ? null : branch?.startsWith('refs/') ? branch : `refs/heads/${branch}`;
  const matches = (path ?? '') === '' ? null : globMatcher(path ?? '');
  const part = (author ?? '').toLowerCase();
  return (event, { paths, authors, partial }) => {
    if (ref !== null && event.ref !== ref) return false;
    if (matches !== null && !partial && !paths.some(matches)) return false;
    return part === '' || partial || authors.some((each) => each.toLowerCase().includes(part));
  };
}
