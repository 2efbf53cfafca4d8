import { KvError } from '../../ports/error.js';
import type { NewObject } from '../../ports/git/git-store.js';
import { decodeLoose, fromAscii } from './bytes.js';
import { isDotGit, isDotGitFile } from './dot-git.js';
import { MODE_DIR, TreeCursor } from './tree/tree.js';

/**
 * The rules of `git fsck --strict` for single objects. Throws `INPUT_INVALID`, naming the object and the rule as git names it; what git
 * only remarks on passes.
 */
export function checkObject({ oid, type, body }: NewObject, oidBytes: number): void {
  const refuse = (rule: string): never => {
    throw new KvError('INPUT_INVALID', `object ${oid} of the pack: ${rule}`, {
      hint: 'git fsck --strict shows what is wrong with it',
      details: { object: oid, rule },
    });
  };
  if (type === 'tree') checkTree(body, oidBytes, refuse);
  else if (type !== 'blob') checkHeaders(type, body, oidBytes, refuse);
}

/** The rules for the content of a file that git takes its submodules from. */
export function checkGitmodules({ oid, body }: Pick<NewObject, 'oid' | 'body'>): void {
  const text = decodeLoose(body.subarray(0, MODULES_BYTES));
  const isBad =
    body.length > MODULES_BYTES ||
    /^[ \t]*\[submodule[ \t]+"(?:[^"\n]*[\\/])?\.\.(?:[\\/][^"\n]*)?"/im.test(text) ||
    /^[ \t]*(?:url|path)[ \t]*=[ \t]*"?-/im.test(text) ||
    /^[ \t]*update[ \t]*=[ \t]*"?!/im.test(text) ||
    /^[ \t]*url[ \t]*=[^\n]*%0a/im.test(text);
  if (!isBad) return;
  throw new KvError('INPUT_INVALID', `object ${oid} of the pack: .gitmodules names what git must not run or write`, {
    details: { object: oid, rule: 'gitmodulesUrl' },
  });
}

type Refuse = (rule: string) => never;

const MODULES_BYTES = 1024 * 1024;
const MODES = new Set([MODE_DIR, '100644', '100755', '120000', '160000', '100664']);

function checkTree(body: Uint8Array, oidBytes: number, refuse: Refuse): void {
  const cursor = new TreeCursor(body, oidBytes);
  let before: string | null = null;
  const files = new Set<string>();
  for (;;) {
    try {
      if (!cursor.next()) return;
    } catch {
      refuse('badTree'); // the cursor's only failure
    }
    const { name, mode } = cursor;
    const text = textOf(name);
    if (name === '') refuse('emptyName');
    if (name.includes('/')) refuse('fullPathname');
    if (name === '.') refuse('hasDot');
    if (name === '..') refuse('hasDotdot');
    if (isDotGit(text)) refuse('hasDotgit');
    if (!MODES.has(mode)) refuse(mode.startsWith('0') ? 'zeroPaddedFilemode' : 'badFilemode');
    if (mode === '120000' && isDotGitFile(text, 'gitmodules')) refuse('gitmodulesSymlink');
    if (/^0+$/.test(cursor.oid())) refuse('nullSha1');
    const key = cursor.sortKey();
    if (before !== null && key <= before) refuse(key === before ? 'duplicateEntries' : 'treeNotSorted');
    if (!cursor.isDir) files.add(name);
    else if (files.has(name)) refuse('duplicateEntries'); // a file and a directory of one name sort apart
    before = key;
  }
}

/** Names in trees are read as a character a byte. */
function textOf(name: string): string {
  if (/^[\x20-\x7e]*$/.test(name)) return name;
  return decodeLoose(Uint8Array.from(name, (byte) => byte.charCodeAt(0)));
}

const IDENT = /^[^\n<>]* <[^\n<>]*> (?:0|[1-9]\d{0,17}) [+-]\d{4}$/;

function checkHeaders(type: 'commit' | 'tag', body: Uint8Array, oidBytes: number, refuse: Refuse): void {
  let end = body.indexOf(10);
  while (end >= 0 && end + 1 < body.length && body[end + 1] !== 10) end = body.indexOf(10, end + 1);
  if (end < 0) refuse('unterminatedHeader');
  const head = fromAscii(body, 0, end + 1);
  if (head.includes('\0')) refuse('nulInHeader');
  const lines = head.split('\n');
  const id = (line: string | undefined, word: string): boolean =>
    line?.startsWith(`${word} `) === true && line.length === word.length + 1 + 2 * oidBytes && /^\w+ [0-9a-f]+$/.test(line);
  if (type === 'commit') {
    if (body.includes(0)) refuse('nulInCommit');
    if (!id(lines.shift(), 'tree')) refuse('badTreeSha1');
    while (lines[0]?.startsWith('parent ') === true) if (!id(lines.shift(), 'parent')) refuse('badParentSha1');
    checkIdent(lines.shift(), 'author', refuse);
    if (lines[0]?.startsWith('author ') === true) refuse('multipleAuthors');
    checkIdent(lines.shift(), 'committer', refuse);
    return;
  }
  if (!id(lines.shift(), 'object')) refuse('badObjectSha1');
  if (!/^type (?:commit|tree|blob|tag)$/.test(lines.shift() ?? '')) refuse('badType');
  if (!/^tag [^\n]+$/.test(lines.shift() ?? '')) refuse('missingTagEntry');
  if (lines[0]?.startsWith('tagger ') === true) checkIdent(lines.shift(), 'tagger', refuse);
}

function checkIdent(line: string | undefined, word: string, refuse: Refuse): void {
  const name = `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
  if (line?.startsWith(`${word} `) !== true) refuse(`missing${name}`);
  if (!IDENT.test(line?.slice(word.length + 1) ?? '')) refuse(`bad${name}Ident`);
}
