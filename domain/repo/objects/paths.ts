import { KvError } from '../../../ports/error.js';
import { decodeLoose, fromAscii, isWellFormed, utf8, writeAscii } from '../../git/bytes.js';
import { isDotGit } from '../../git/dot-git.js';

/**
 * Names in trees are bytes. Inside, a path is a string with a character for each of its UTF-8 bytes, as `domain/git/tree` reads and
 * writes them: compared, it sorts as git sorts. What callers give and get is text.
 */
export type BytePath = string;

const PLAIN = /^[\x20-\x7e]*$/;
/** Names that no rule could refuse but for their length. */
const HARMLESS = /^[A-Za-z0-9_][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_][A-Za-z0-9_-]*)*$/;
/** Anything that could be `.git` to some file system, so that most paths are asked once. */
const SUSPICIOUS = /\.git|git~|[\\\u0080-\uffff]/i;
const CONTROL = /\p{Cc}/u;
/** The longest name that file systems take, bytes. */
const NAME_BYTES = 255;

/** The bytes of a text. */
export function toBytePath(text: string): BytePath {
  if (PLAIN.test(text)) return text;
  const bytes = utf8(text);
  return fromAscii(bytes, 0, bytes.length);
}

/** The text of a path; what is no UTF-8 becomes U+FFFD. */
export function toText(path: BytePath): string {
  if (PLAIN.test(path)) return path;
  const bytes = new Uint8Array(path.length);
  writeAscii(path, bytes, 0);
  return decodeLoose(bytes);
}

/**
 * A caller's path as bytes. Throws `INPUT_INVALID` for what `git fsck --strict` or a file system would refuse: an empty name, `.`, `..`,
 * whatever some system takes for `.git`, control characters, a name of more than 255 bytes, a path above the limit.
 */
export function checkedPath(path: string, limit: number): BytePath {
  if (path.length <= NAME_BYTES && path.length <= limit && HARMLESS.test(path)) return path;
  const refuse = (why: string): KvError =>
    new KvError('INPUT_INVALID', `'${shown(path)}' is no path: ${why}`, {
      hint: 'name a file from the root, such as docs/a.md',
      details: { path: shown(path) },
    });
  if (path === '') throw refuse('it is empty');
  if (path.length > limit) throw refuse(`it has more than ${limit} bytes`);
  const isPlain = PLAIN.test(path);
  if (!isPlain && CONTROL.test(path)) throw refuse('it holds a control character');
  if (!isPlain && !isWellFormed(path)) throw refuse('it is not Unicode text');
  const bytes = isPlain ? path : toBytePath(path);
  if (bytes.length > limit) throw refuse(`it has more than ${limit} bytes`);
  const suspicious = SUSPICIOUS.test(path);
  for (const name of bytes.split('/')) {
    if (name === '') throw refuse(path.startsWith('/') ? 'it begins with a slash' : 'a name in it is empty');
    if (name === '.' || name === '..') throw refuse(`'${name}' is no name`);
    if (name.length > NAME_BYTES) throw refuse(`a name in it has more than ${NAME_BYTES} bytes`);
    if (suspicious && isDotGit(toText(name))) throw refuse(`'${shown(toText(name))}' is git's own`);
  }
  return bytes;
}

/** Whether a path has no byte that is printed otherwise than by itself. */
export function isAscii(path: BytePath): boolean {
  return PLAIN.test(path);
}

/** What two names have in common that some file system can't tell apart. */
export function folded(path: BytePath): string {
  return PLAIN.test(path) ? path.toLowerCase() : toText(path).normalize('NFC').toLowerCase();
}

/** The folders above a path, the outermost first. */
export function* foldersOf(path: BytePath): Generator<BytePath> {
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) yield path.slice(0, at);
}

/** What of a caller's text is quoted in a message. */
export function shown(text: string): string {
  const plain = text.replace(/\p{Cc}/gu, '\ufffd');
  return plain.length > 100 ? `${plain.slice(0, 100)}…` : plain;
}

/** A matcher of globs: `*` and `?` within a name, `**` across names; without a slash, of any file's name. */
export function globMatcher(glob: string): (path: string) => boolean {
  if (glob.length > 1000) throw new KvError('INPUT_INVALID', 'a pattern has more than 1000 characters');
  const whole = glob.includes('/');
  const pattern = (whole ? glob.replace(/^\/+/, '') : glob).split('/');
  return (path) => {
    const names = path.split('/');
    return whole ? matchNames(pattern, names) : matchName(glob, names.at(-1) ?? '');
  };
}

/** Where a `*` has matched too little, the match goes back to the newest one only: time grows with the product, not exponentially. */
function matchNames(pattern: readonly string[], names: readonly string[]): boolean {
  return wild(
    pattern.length,
    names.length,
    (p) => pattern[p] === '**',
    (p, n) => matchName(pattern[p] as string, names[n] as string),
  );
}

function matchName(pattern: string, name: string): boolean {
  return wild(
    pattern.length,
    name.length,
    (p) => pattern[p] === '*',
    (p, n) => pattern[p] === '?' || pattern[p] === name[n],
  );
}

function wild(
  patternLength: number,
  length: number,
  isStar: (p: number) => boolean,
  matches: (p: number, n: number) => boolean,
): boolean {
  let [p, n, star, mark] = [0, 0, -1, 0];
  while (n < length) {
    if (p < patternLength && isStar(p)) {
      star = p++;
      mark = n;
    } else if (p < patternLength && matches(p, n)) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++mark;
    } else return false;
  }
  while (p < patternLength && isStar(p)) p++;
  return p === patternLength;
}
