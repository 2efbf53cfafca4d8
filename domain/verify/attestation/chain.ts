import type { GitStore } from '../../../ports/git/git-store.js';
import type { GitObject, Oid, RefName } from '../../../ports/vocabulary.js';
import { type Commit, decodeCommit } from '../../git/commit.js';
import { attempt, type Emit, type Fault } from '../fault.js';

/** A commit of a chain. */
export interface Link {
  readonly oid: Oid;
  readonly commit: Commit;
}

/** A commit of a chain, and what its message says; null where that can't be read. */
export interface Attested<T> extends Link {
  readonly trailers: T | null;
}

const NO_FAST_FORWARD = 'is not a fast-forward of the current tip';

/** Which part of a ref's history to read: what comes after `old` (null: all) up to `next`. */
interface ChainRequest {
  readonly ref: RefName;
  readonly old: Oid | null;
  readonly next: Oid;
  /** The most commits that it may have. */
  readonly limit: number;
  /** Told after every thousand commits. */
  readonly onProgress?: (commits: number) => void;
}

/**
 * A ref's commits, oldest first. `REF_FORBIDDEN` unless they are a chain of single parents on `old`; where the chain breaks, the
 * commits that are newer than the break are given.
 */
export async function readChain(store: GitStore, emit: Emit, request: ChainRequest): Promise<Link[]> {
  const { ref, old, next, limit, onProgress } = request;
  const links: Link[] = [];
  let at: Oid | null = next;
  while (at !== old) {
    if (at === null) {
      emit(forbidden(ref, next, NO_FAST_FORWARD));
      break;
    }
    if (links.length >= limit) {
      emit(forbidden(ref, next, `has more than ${limit} new commits, or ${NO_FAST_FORWARD}`));
      break;
    }
    const oid: Oid = at;
    const [object] = await store.read([oid]);
    const link = readLink(store, emit, ref, oid, object ?? null, links.at(-1)?.oid);
    if (link === null) break;
    links.push(link);
    at = link.commit.parents[0] ?? null;
    if (links.length % 1000 === 0) onProgress?.(links.length);
  }
  return links.reverse();
}

function readLink(
  { objectFormat }: GitStore,
  emit: Emit,
  ref: RefName,
  oid: Oid,
  object: GitObject | null,
  child: Oid | undefined,
): Link | null {
  if (object?.type !== 'commit') {
    const from = child === undefined ? 'points to' : `goes on from ${child} to`;
    emit(forbidden(ref, oid, `${from} ${oid}, which is ${object === null ? 'missing or damaged' : 'no commit'}`));
    return null;
  }
  const commit = attempt(emit, { ref, commit: oid }, () => decodeCommit(object.body, oid, objectFormat));
  if (commit === null) return null;
  if (commit.parents.length > 1) emit(forbidden(ref, oid, `has a merge commit, ${oid}`));
  return { oid, commit };
}

/** Reads what the commits of a chain say of themselves. */
export function attested<T>(
  emit: Emit,
  ref: RefName,
  links: readonly Link[],
  parse: (message: string, oid: Oid) => T,
): Attested<T>[] {
  return links.map(({ oid, commit }) => {
    return { oid, commit, trailers: attempt(emit, { ref, commit: oid }, () => parse(commit.message, oid)) };
  });
}

function forbidden(ref: RefName, commit: Oid, why: string): Fault {
  return {
    code: 'REF_FORBIDDEN',
    message: `${ref} ${why}`,
    hint: 'the ledger is linear: fetch the newest tip, build on it and push again',
    subject: { ref, commit },
  };
}
