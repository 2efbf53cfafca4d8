import { isAnyOid, KvError, type Oid } from '../../../ports/index.js';

/** Throws `INPUT_INVALID` unless git can take it for nothing but a remote's name. */
export function checkRemote(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name) && !name.includes('..')) return name;
  throw new KvError('INPUT_INVALID', `'${name}' is not a remote's name`);
}

/** Throws `INPUT_INVALID` unless it is what follows `refs/` in a kind of refs, such as `heads` or `kv-index`. */
export function checkRefKind(kind: string): string {
  if (/^[a-z][a-z-]*$/.test(kind)) return kind;
  throw new KvError('INPUT_INVALID', `'${kind}' is no kind of refs`);
}

/** Throws `INPUT_INVALID` unless it is a full ref name by Git's own rules (`git check-ref-format`). */
export function checkRef(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
  if (name.startsWith('refs/') && !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|[./]$/.test(name)) return name;
  throw new KvError('INPUT_INVALID', `'${name}' is not a full ref name`);
}

/** Throws `INPUT_INVALID` unless it is a full object id of either format. */
export function checkOid(oid: Oid): Oid {
  if (isAnyOid(oid)) return oid;
  throw new KvError('INPUT_INVALID', `'${oid}' is not a full object id`);
}
