import { committedAt } from '../../../ports/grammar/git-words/committed-at.js';
import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { decodeLoose, decodeUtf8, fromAscii, utf8 } from '../../git/bytes.js';
import type { CommitInfo, Signature } from '../types.js';
import { identLine, readIdent } from './idents.js';

/** What a walk needs of a commit: read from its first lines. */
export interface CommitFacts {
  readonly oid: Oid;
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  /** Committer time, milliseconds. */
  readonly time: number;
}

/** The bytes of a commit object. */
export function encodePlainCommit(commit: {
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
}): Uint8Array {
  const { tree, parents, author, committer, message } = commit;
  let text = `tree ${tree}\n`;
  for (const parent of parents) text += `parent ${parent}\n`;
  const by = identLine(author);
  const committed = committer === author ? by : identLine(committer);
  return utf8(`${text}author ${by}\ncommitter ${committed}\n\n${message}`);
}

const TREE = /^tree ([0-9a-f]{40}(?:[0-9a-f]{24})?)\n/;
const PARENT = /parent ([0-9a-f]{40}(?:[0-9a-f]{24})?)\n/y;

const AUTHOR = /^author (.*)$/m;
const COMMITTER = /^committer (.*)$/m;
const ENCODING = /^encoding (.*)$/m;

/** Reads what any git wrote. Throws `GIT_ERROR` where it names no tree. */
export function readFacts(body: Uint8Array, oid: Oid): CommitFacts {
  const { head } = parted(body);
  const tree = TREE.exec(head)?.[1];
  if (tree === undefined) throw new KvError('GIT_ERROR', `commit ${oid} is damaged: it names no tree`);
  const parents: Oid[] = [];
  PARENT.lastIndex = 6 + tree.length;
  for (let match = PARENT.exec(head); match !== null; match = PARENT.exec(head)) parents.push(match[1] as string);
  return { oid, tree, parents, time: committedAt(head) * 1000 };
}

/** Reads all of a commit that any git wrote, in whatever encoding. */
export function readCommit(body: Uint8Array, oid: Oid): CommitInfo {
  const { tree, parents } = readFacts(body, oid);
  const { head, messageAt } = parted(body);
  const encoding = ENCODING.exec(head)?.[1] ?? 'utf-8';
  const decode = (bytes: Uint8Array): string =>
    /^(?:iso-?8859-1|latin-?1)$/i.test(encoding) ? fromAscii(bytes, 0, bytes.length) : (decodeUtf8(bytes) ?? decodeLoose(bytes));
  const headText = decode(body.subarray(0, messageAt));
  const ident = (line: RegExp): Signature => readIdent(line.exec(headText)?.[1] ?? '');
  return {
    oid,
    tree,
    parents,
    author: ident(AUTHOR),
    committer: ident(COMMITTER),
    message: decode(body.subarray(messageAt)),
    signed: /^gpgsig(?:-sha256)? /m.test(head),
  };
}

/** The headers, a character a byte, and where the message begins. */
function parted(body: Uint8Array): { readonly head: string; readonly messageAt: number } {
  let at = body.indexOf(10);
  while (at >= 0 && at + 1 < body.length && body[at + 1] !== 10) at = body.indexOf(10, at + 1);
  const end = at < 0 ? body.length : at + 1;
  return { head: fromAscii(body, 0, end), messageAt: Math.min(body.length, end + 1) };
}

/** A message as `git commit -m` keeps it: no spaces at the ends of lines, one empty line for many, none around, a final newline. */
export function cleanMessage(message: string): string {
  if (!/\s(?:\s|$)|\n|^\s/.test(message)) return message === '' ? '' : `${message}\n`;
  const lines = message.split('\n').map((line) => line.trimEnd());
  const kept = lines.filter((line, i) => line !== '' || (i > 0 && lines[i - 1] !== ''));
  while (kept[0] === '') kept.shift();
  while (kept.at(-1) === '') kept.pop();
  return kept.length === 0 ? '' : `${kept.join('\n')}\n`;
}

/** The first paragraph in one line. */
export function subjectOf(message: string): string {
  return (message.replace(/^\n+/, '').split(/\n\s*\n/)[0] ?? '').trim().replace(/\s*\n\s*/g, ' ');
}
