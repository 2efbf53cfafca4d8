import { KvError, isOid, type ObjectFormat, type Oid, type RefName } from '../../ports/index.js';

/** A remote's name, given back. Throws `INPUT_INVALID` for what a program could read as an option or a path. */
export function checkRemote(name: string): string {
  if (/^[A-Za-z0-9_][\w.-]*$/.test(name)) return name;
  throw new KvError('INPUT_INVALID', `'${name}' is no remote's name`, { hint: 'use a name such as origin' });
}

/** A full ref name, or a glob of one, given back. Throws `INPUT_INVALID` for anything else. */
export function checkRef(ref: string): RefName {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git allows none in a ref name
  if (/^refs\/[^ :^~?[\\\x00-\x1f\x7f]+$/.test(ref) && !ref.includes('..')) return ref;
  throw new KvError('INPUT_INVALID', `'${ref}' is no full ref name`, { hint: 'use a name such as refs/kv/main' });
}

/** A full object id, given back. Throws `INPUT_INVALID` for anything else. */
export function checkOid(oid: Oid, format: ObjectFormat): Oid {
  if (isOid(oid, format)) return oid;
  throw new KvError('INPUT_INVALID', `'${oid}' is no full ${format} object id`, { hint: 'give all hex digits, in lower case' });
}

/** A whole name, or a glob as in a refspec: one `*` stands for anything, slashes too. */
export function refMatcher(pattern: string): (ref: RefName) => boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return (ref) => ref === pattern;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return (ref) => ref.length >= head.length + tail.length && ref.startsWith(head) && ref.endsWith(tail);
}
