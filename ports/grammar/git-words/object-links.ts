import { KvError } from '../../error.js';
import { type GitObject, OID_HEX_LENGTH, type ObjectFormat, type Oid } from '../../vocabulary.js';

/** Which other objects a Git object names: its format, as `git cat-file` gives it without its header. */

const latin1 = new TextDecoder('latin1');

/** A submodule's commit: it is in another repository. */
const GITLINK = '160000';

/** The objects that an object names, submodules left out. Throws `GIT_ERROR` for a tree that is cut short. */
export function objectLinks(object: GitObject, format: ObjectFormat): Oid[] {
  if (object.type === 'blob') return [];
  if (object.type === 'tree') return treeLinks(object.body, format);
  if (object.type === 'tag') return ids(head(object.body), /^object ([0-9a-f]+)$/gm);
  return [...ids(head(object.body), /^tree ([0-9a-f]+)$/gm), ...commitParents(object)];
}

/** A commit's parents; none for what is no commit. */
export function commitParents(object: GitObject): Oid[] {
  return object.type === 'commit' ? ids(head(object.body), /^parent ([0-9a-f]+)$/gm) : [];
}

function ids(text: string, pattern: RegExp): Oid[] {
  return [...text.matchAll(pattern)].flatMap((match) => match[1] ?? []);
}

/** The headers of a commit or a tag, without its message. */
function head(body: Uint8Array): string {
  const text = latin1.decode(body);
  const end = text.indexOf('\n\n');
  return end < 0 ? text : text.slice(0, end);
}

function treeLinks(body: Uint8Array, format: ObjectFormat): Oid[] {
  const found: Oid[] = [];
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const nul = body.indexOf(0, space);
    const end = nul + 1 + OID_HEX_LENGTH[format] / 2;
    if (space < 0 || nul < 0 || end > body.length) throw new KvError('GIT_ERROR', 'a tree object is cut short');
    if (latin1.decode(body.subarray(at, space)) !== GITLINK) found.push(hex(body.subarray(nul + 1, end)));
    at = end;
  }
  return found;
}

const hex = (bytes: Uint8Array): Oid => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
