import { KvError, type GitObject, type GitStore, isOid, type MirrorTarget, type Oid, type RefName } from '../../ports/index.js';
import type { MemoryHost } from './memory-host.js';
import { objectLinks } from '../../ports/grammar/git-words/object-links.js';
import { type Move, refMatcher, wellFormed } from './ref-patterns.js';

/** From which repository a host in memory is pushed to. */
export interface MemoryMirrorOptions {
  readonly host: MemoryHost;
  /** The Stargate's repository. */
  readonly store: GitStore;
  /** A name for people. */
  readonly label: string;
}

/**
 * A mirror in this process that behaves as a Git host does: a push brings the objects that its refs reach, then all refs move or
 * none, by the fast-forward rule or by the leases that are given.
 */
export function openMemoryMirror({ host, store, label }: MemoryMirrorOptions): MirrorTarget {
  const reach = (signal?: AbortSignal): void => {
    if (signal?.aborted === true) throw new KvError('INTERRUPTED', `${label}: interrupted`);
    if (!host.away) return;
    throw new KvError('IO_ERROR', `${label}: the host is away`, { hint: 'bring the host back, then try again' });
  };

  const refs = async (patterns: readonly string[], signal?: AbortSignal): Promise<Map<RefName, Oid>> => {
    reach(signal);
    const wanted = patterns.map((pattern) => refMatcher(wellFormed(pattern)));
    return new Map([...host.refs].filter(([ref]) => wanted.some((matches) => matches(ref))).sort());
  };

  /** Everything below some objects that the host lacks; it has what it has with all below. Throws `GIT_ERROR` for a hole. */
  const missing = async (from: readonly Oid[], signal?: AbortSignal): Promise<GitObject[]> => {
    const found = new Map<Oid, GitObject>();
    for (let open = [...new Set(from)]; open.length > 0; ) {
      reach(signal);
      const wanted = open.filter((oid) => !host.has(oid) && !found.has(oid));
      const objects = await store.read(wanted);
      for (const [at, object] of objects.entries()) {
        if (object === null) throw new KvError('GIT_ERROR', `${label}: push failed: there is no object ${wanted[at]}`);
        found.set(object.oid, object);
      }
      open = [...new Set(objects.flatMap((object) => (object === null ? [] : objectLinks(object, store.objectFormat))))];
    }
    return [...found.values()];
  };

  return {
    capabilities: { atomic: true, anyRef: true },
    label,
    refs,

    async push(updates, signal) {
      reach(signal);
      for (const { ref, next, expected } of updates) {
        wellFormed(ref);
        for (const oid of [next, expected ?? null]) checkOid(oid, ref, store);
      }
      if (new Set(updates.map(({ ref }) => ref)).size < updates.length) {
        throw new KvError('GIT_ERROR', `${label}: one push moves a ref twice`, { hint: 'give each ref one update' });
      }
      const objects = await missing(
        updates.flatMap(({ next }) => next ?? []),
        signal,
      );
      reach(signal);
      if (objects.reduce((sum, { body }) => sum + body.length, 0) > host.maxBytes) throw tooLarge(label);
      // From here on nothing waits: whoever pushes at the same time sees all of this push or nothing.
      host.take(objects);
      const refused = updates.flatMap((update) => {
        const reason = host.refusal(update);
        return reason === null ? [] : [{ ref: update.ref, reason }];
      });
      if (refused.length > 0) throw refusal(label, refused);
      for (const { ref, next } of updates) {
        if (next === null) host.refs.delete(ref);
        else host.refs.set(ref, next);
      }
    },

    async fetch(pairs) {
      reach();
      const moves = pairs.map(({ remoteRef, localRef }): Move => {
        const next = host.refs.get(wellFormed(remoteRef));
        if (next === undefined) throw new KvError('NOT_FOUND', `${label}: there is no ${remoteRef}`);
        return { ref: wellFormed(localRef), next };
      });
      await store.write(reachable(host, moves, store));
      const at = await store.refs(moves.map(({ ref }) => ref));
      await store.updateRefs(
        moves.map(({ ref, next }) => ({ ref, old: at.get(ref) ?? null, next })),
        'fetch',
      );
    },

    close: async () => undefined, // the host is not this mirror's own
  };
}

/** All objects that the tips reach at the host. */
function reachable(host: MemoryHost, tips: readonly Move[], store: GitStore): GitObject[] {
  const found = new Map<Oid, GitObject>();
  const open = tips.map(({ next }) => next);
  for (let oid = open.pop(); oid !== undefined; oid = open.pop()) {
    const object = host.get(oid);
    if (found.has(oid) || object === undefined) continue;
    found.set(oid, object);
    open.push(...objectLinks(object, store.objectFormat));
  }
  return [...found.values()];
}

function checkOid(oid: Oid | null, ref: RefName, store: GitStore): void {
  if (oid === null || isOid(oid, store.objectFormat)) return;
  throw new KvError('GIT_ERROR', `'${oid}' for ${ref} is no object id`);
}

function tooLarge(label: string): KvError {
  return new KvError('GIT_ERROR', `${label}: push was refused: pack exceeds maximum allowed size`, {
    details: { content: true },
    hint: 'raise the limit of the host, or send less at a time',
  });
}

function refusal(label: string, refused: readonly { ref: RefName; reason: string }[]): KvError {
  return new KvError('SYNC_REFUSED', `${label}: ${refused.map(({ ref, reason }) => `${ref} (${reason})`).join(', ')}`, {
    details: { refs: refused.map(({ ref }) => ref) },
    hint: "somebody else wrote to the mirror: compare the refs of both sides and put the mirror's back",
  });
}
