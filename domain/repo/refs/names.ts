import { KvError } from '../../../ports/error.js';
import type { RefName } from '../../../ports/vocabulary.js';
import { shown } from '../objects/paths.js';

/** Where branches are. */
export const HEADS = 'refs/heads/';
/** Where tags are. */
export const TAGS = 'refs/tags/';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
const BAD = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|(?:^|\/)\.|\.lock(?:\/|$)|[./]$|^\/|^@$|^-/;
/** Names that no rule refuses. */
const USUAL = /^[A-Za-z0-9_][A-Za-z0-9_-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_-]*)*$/;
/** The longest name; file systems take 255 bytes a part. */
const LONGEST = 200;

/** The ref of a branch or tag. Throws `INPUT_INVALID` for a name that git doesn't take, and for `HEAD`, which would be ambiguous. */
export function refNamed(folder: typeof HEADS | typeof TAGS, name: string): RefName {
  if (name.length <= LONGEST && USUAL.test(name) && name !== 'HEAD') return folder + name;
  const what = folder === HEADS ? 'branch' : 'tag';
  const isNone =
    name === '' || name === 'HEAD' || name.length > LONGEST || BAD.test(name) || !/^[\p{L}\p{M}\p{N}\p{P}\p{S}]+$/u.test(name);
  if (isNone)
    throw new KvError('INPUT_INVALID', `'${shown(name)}' is no name for a ${what}`, {
      hint: `use a name such as ${what === 'tag' ? 'v1.0' : 'topic/one'}`,
    });
  return folder + name;
}

/** The name without `refs/heads/` or `refs/tags/`. */
export function shortName(ref: RefName): string {
  return ref.startsWith(HEADS) ? ref.slice(HEADS.length) : ref.startsWith(TAGS) ? ref.slice(TAGS.length) : ref;
}

/** Whether git takes it as a full ref. */
export function isRef(name: string): boolean {
  return name.startsWith('refs/') && !BAD.test(name);
}

/** Whether git takes it as the end of a ref. */
export function isRefPart(name: string): boolean {
  return USUAL.test(name) || (name !== '' && !BAD.test(name));
}
