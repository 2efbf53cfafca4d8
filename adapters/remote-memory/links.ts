import { KvError, type GitObject, type ObjectFormat, type Oid } from '../../ports/index.js';

const ID_BYTES: Readonly<Record<ObjectFormat, number>> = { sha1: 20, sha256: 32 };

/** A submodule's commit: it is in another repository. */
const GITLINK = '160000';

/** The objects that an object names, submodules left out. Throws `GIT_ERROR` for a tree that is cut short. */
export function links(object: GitObject, format: ObjectFormat): Oid[] {
  if (object.type === 'blob') return [];
  if (object.type === 'tree') return treeLinks(object.body, format);
  if (object.type === 'tag') return ids(head(object.body), /^object ([0-9a-f]+)$/gm);
  return [...ids(head(object.body), /^tree ([0-9a-f]+)$/gm), ...parents(object)];
}

/** A commit's parents; none for what is no commit. */
export function parents(object: GitObject): Oid[] {
  return object.type === 'commit' ? ids(head(object.body), /^parent ([0-9a-f]+)$/gm) : [];
}

function ids(text: string, pattern: RegExp): Oid[] {
  return [...text.matchAll(pattern)].flatMap((match) => match[1] ?? []);
}

/** The headers of a commit or a tag, without its message. */
function head(body: Uint8Array): string {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
  const end = text.indexOf('\n\n');
  return end < 0 ? text : text.slice(0, end);
}

function treeLinks(body: Uint8Array, format: ObjectFormat): Oid[] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const found: Oid[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const nul = bytes.indexOf(0, space);
    const end = nul + 1 + ID_BYTES[format];
    if (space < 0 || nul < 0 || end > bytes.length) throw new KvError('GIT_ERROR', 'a tree object is cut short');
    if (bytes.toString('latin1', at, space) !== GITLINK) found.push(bytes.toString('hex', nul + 1, end));
    at = end;
  }
  return found;
}
