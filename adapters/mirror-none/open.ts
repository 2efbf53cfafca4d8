import { type GitStore, isOid, KvError, type MirrorTarget, type Oid, type OpenAdapter, type RefName } from '../../ports/index.js';

/**
 * No mirror: the repository is where its readers read. What stands there is what is "mirrored", so that a push has nothing to do, and whoever
 * waits for the mirror waits for nothing.
 */
export function openNoMirror(store: GitStore): MirrorTarget {
  let closed = false;
  const open = (signal?: AbortSignal): void => {
    if (signal?.aborted === true) throw new KvError('INTERRUPTED', 'no mirror: interrupted');
    if (closed) throw new KvError('IO_ERROR', 'no mirror: it was closed', { hint: 'open it again' });
  };
  const refs = async (patterns: readonly string[]): Promise<Map<RefName, Oid>> => {
    const prefixes = [...new Set(patterns.map(prefixOf))];
    const all = prefixes.length === 0 ? new Map<RefName, Oid>() : await store.refs(prefixes);
    return new Map([...all].filter(([ref]) => patterns.some((pattern) => matches(pattern, ref))));
  };
  return {
    capabilities: { atomic: true, anyRef: true, sameRepository: true },
    label: 'none',
    async push(updates, signal) {
      open(signal);
      for (const { ref, next, expected } of updates) {
        wellFormed(ref);
        for (const oid of [next, expected ?? null]) {
          if (oid !== null && !isOid(oid, store.objectFormat))
            throw new KvError('GIT_ERROR', `'${oid}' for ${ref} is no object id`);
        }
      }
    },
    async refs(patterns, signal) {
      open(signal);
      return refs(patterns.map(wellFormed));
    },
    async fetch(pairs) {
      open();
      const there = await refs(pairs.map(({ remoteRef }) => wellFormed(remoteRef)));
      const moves = pairs.map(({ remoteRef, localRef }) => {
        const next = there.get(remoteRef);
        if (next === undefined) throw new KvError('NOT_FOUND', `no mirror: there is no ${remoteRef}`);
        return { ref: wellFormed(localRef), next };
      });
      const at = await store.refs(moves.map(({ ref }) => ref));
      await store.updateRefs(
        moves.map(({ ref, next }) => ({ ref, old: at.get(ref) ?? null, next })),
        'fetch',
      );
    },
    async close() {
      closed = true;
    },
  };
}

/** Opens no mirror of a repository. */
export const open: OpenAdapter<undefined, MirrorTarget> = async (_config, { get }) =>
  openNoMirror(await get<GitStore>('git-store'));

/** The pattern of a store under which all that a glob matches stands. */
function prefixOf(glob: string): string {
  const star = glob.indexOf('*');
  return star < 0 ? glob : glob.slice(0, glob.lastIndexOf('/', star) + 1);
}

/** One `*` stands for anything, slashes too. */
function matches(glob: string, ref: RefName): boolean {
  const star = glob.indexOf('*');
  if (star < 0) return ref === glob;
  const [head, tail] = [glob.slice(0, star), glob.slice(star + 1)];
  return ref.length >= head.length + tail.length && ref.startsWith(head) && ref.endsWith(tail);
}

function wellFormed(ref: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git allows none in a ref name
  if (/^refs\/[^ :^~?[\\\x00-\x1f\x7f]+$/.test(ref) && !ref.includes('..')) return ref;
  throw new KvError('GIT_ERROR', `'${ref}' is no full ref name`);
}
