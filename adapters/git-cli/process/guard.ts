import { KvError } from '../../../ports/error.js';
import { shownUrl } from '../../../ports/grammar/network/shown-url.js';
import { isOid } from '../../../ports/vocabulary.js';
import type { ObjectFormat, Oid } from '../../../ports/vocabulary.js';

/** Git's own rules (`git check-ref-format`) for a full name below `refs/`. */
function isRefName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
  return name.startsWith('refs/') && !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|[./]$/.test(name);
}

/** Throws `INPUT_INVALID` unless it is a full ref name. */
export function checkRef(name: string): string {
  if (!isRefName(name))
    throw new KvError('INPUT_INVALID', `'${name}' is not a full ref name`, { hint: 'use a name such as refs/kv/main' });
  return name;
}

/** Throws `INPUT_INVALID` unless it is a full object id of the format. */
export function checkOid(oid: Oid, format: ObjectFormat): Oid {
  if (!isOid(oid, format)) {
    throw new KvError('INPUT_INVALID', `'${oid}' is not a full ${format} object id`, {
      hint: 'give all hex digits, in lower case',
    });
  }
  return oid;
}

/** Throws `INPUT_INVALID` unless git can take it for nothing but a remote's name. */
export function checkRemote(name: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._/-]*$/.test(name) || name.includes('..')) {
    throw new KvError('INPUT_INVALID', `'${name}' is not a remote's name`, { hint: 'list the remotes with `git remote`' });
  }
  return name;
}

/** Throws `CONFIG_INVALID` for a URL that git would read as an option or hand to a helper program. */
export function checkUrl(url: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
  if (url === '' || url.startsWith('-') || /[\u0000-\u001f]/.test(url) || /^[a-z0-9]+::/i.test(url)) {
    throw new KvError('CONFIG_INVALID', `'${shownUrl(url)}' is not a URL that git-kv uses`, {
      hint: 'set the remote to an ssh, https or file URL',
    });
  }
  return url;
}

/** False for a path that no tree can hold; the empty path is the root itself. Throws `INPUT_INVALID` for NUL or newline. */
export function isTreePath(path: string): boolean {
  if (/[\0\n]/.test(path))
    throw new KvError('INPUT_INVALID', 'a tree path holds a NUL or a newline', { hint: 'encode the key first' });
  return path === '' || !/(^|\/)(\.{0,2})(\/|$)/.test(path);
}
