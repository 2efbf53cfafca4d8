import { committedAt } from '../../ports/grammar/git-words/committed-at.js';
import { KvError } from '../../ports/error.js';
import type { ObjectFormat, Oid } from '../../ports/vocabulary.js';

/** What a walk through history needs to know of a commit. */
export interface CommitFacts {
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  /** Committer time, seconds since the epoch. */
  readonly time: number;
}

const ID_BYTES: Readonly<Record<ObjectFormat, number>> = { sha1: 20, sha256: 32 };

/** The entries of a tree: name to object id. */
export function parseTree(body: Uint8Array, format: ObjectFormat): Map<string, Oid> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const entries = new Map<string, Oid>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const nul = bytes.indexOf(0, space);
    const end = nul + 1 + ID_BYTES[format];
    if (space < 0 || nul < 0 || end > bytes.length) throw new KvError('GIT_ERROR', 'a tree object is cut short');
    entries.set(bytes.toString('utf8', space + 1, nul), bytes.toString('hex', nul + 1, end));
    at = end;
  }
  return entries;
}

/** Reads any commit of a repository, also one that no ledger may have: so it is more lenient than the domain's reader. */
export function parseCommit(body: Uint8Array): CommitFacts {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
  const end = text.indexOf('\n\n');
  const head = end < 0 ? text : text.slice(0, end + 1);
  const tree = /^tree ([0-9a-f]+)$/m.exec(head)?.[1];
  if (tree === undefined) throw new KvError('GIT_ERROR', 'a commit object names no tree');
  return {
    tree,
    parents: [...head.matchAll(/^parent ([0-9a-f]+)$/gm)].map((match) => match[1] as string),
    time: committedAt(head),
  };
}

/** The object that a tag points to. */
export function parseTag(body: Uint8Array): Oid {
  const target = /^object ([0-9a-f]+)\n/.exec(Buffer.from(body).toString('latin1'))?.[1];
  if (target === undefined) throw new KvError('GIT_ERROR', 'a tag object names no target');
  return target;
}
