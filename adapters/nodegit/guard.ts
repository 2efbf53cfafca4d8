import { KvError } from '../../ports/error.js';
import { isOid, type Oid } from '../../ports/vocabulary.js';

/** Throws `INPUT_INVALID` unless it is a full SHA-1 object id. */
export function checkOid(oid: Oid): Oid {
  if (isOid(oid, 'sha1')) return oid;
  throw new KvError('INPUT_INVALID', `'${oid}' is not a full sha1 object id`, { hint: 'give all hex digits, in lower case' });
}

/** Throws `INPUT_INVALID` unless it is a full ref name by Git's own rules (`git check-ref-format`). */
export function checkRef(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
  if (name.startsWith('refs/') && !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|[./]$/.test(name)) return name;
  throw new KvError('INPUT_INVALID', `'${name}' is not a full ref name`, { hint: 'use a name such as refs/kv/main' });
}

/** False for a path that no tree can hold; the empty path is the root itself. Throws `INPUT_INVALID` for NUL or newline. */
export function isTreePath(path: string): boolean {
  if (/[\0\n]/.test(path))
    throw new KvError('INPUT_INVALID', 'a tree path holds a NUL or a newline', { hint: 'encode the key first' });
  return path === '' || !/(^|\/)(\.{0,2})(\/|$)/.test(path);
}
