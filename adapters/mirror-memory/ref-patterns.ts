import { KvError, type Oid, type RefName } from '../../ports/index.js';

/** Where a ref is to point. */
export interface Move {
  readonly ref: RefName;
  readonly next: Oid;
}

/** A full ref name, or a glob of one, given back; anything else throws `GIT_ERROR`, as git would. */
export function wellFormed(ref: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git allows none in a ref name
  if (/^refs\/[^ :^~?[\\\x00-\x1f\x7f]+$/.test(ref) && !ref.includes('..')) return ref;
  throw new KvError('GIT_ERROR', `'${ref}' is no full ref name`);
}

/** A glob as in a refspec: one `*` stands for anything, slashes too. */
export function refMatcher(pattern: string): (ref: RefName) => boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return (ref) => ref === pattern;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return (ref) => ref.length >= head.length + tail.length && ref.startsWith(head) && ref.endsWith(tail);
}
