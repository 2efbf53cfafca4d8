import { KvError } from '../../ports/error.js';
import type { ObjectFormat, Oid } from '../../ports/vocabulary.js';
import { decodeUtf8, utf8 } from './bytes.js';

/** A commit object. `author` and `committer` are whole lines' values: `Name <mail> <seconds> <zone>`. */
export interface Commit {
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  readonly author: string;
  readonly committer: string;
  /** The armoured signature, without the header's continuation spaces. */
  readonly signature: string | null;
  readonly message: string;
}

/** The header that carries a signature in a repository of this format. */
const signatureHeader = (format: ObjectFormat): string => (format === 'sha1' ? 'gpgsig' : 'gpgsig-sha256');

/** Looked for where a run of them begins: from each of many, the time would grow with the square of their number. */
const LAST_LINE_ENDS = /(?<!\n)\n+$/;

/** The bytes of a commit object. Without its signature, they are what the signature is over. */
export function encodeCommit(commit: Commit, format: ObjectFormat): Uint8Array {
  const lines = [`tree ${commit.tree}`, ...commit.parents.map((parent) => `parent ${parent}`)];
  lines.push(`author ${commit.author}`, `committer ${commit.committer}`);
  if (commit.signature !== null) {
    lines.push(`${signatureHeader(format)} ${commit.signature.replace(LAST_LINE_ENDS, '').replace(/\n/g, '\n ')}`);
  }
  return utf8(`${lines.join('\n')}\n\n${commit.message}`);
}

/** Of what a message quotes: headers, and characters of each. */
const SHOWN = 12;

/** No control characters, which would steer a reader's terminal, and no time behind the year 9999. */
const IDENT = /^[^<>\p{Cc}]* <[^<>\p{Cc}]*> (?:\d{1,11}|1\d{11}|2[0-4]\d{10}) [+-]\d{4}$/u;

/**
 * Reads a commit object. Throws `ATTESTATION_MISMATCH` when it has a header besides the usual ones, headers out of order,
 * or bytes that aren't UTF-8: a ledger holds nothing that two readers could understand in two ways.
 */
export function decodeCommit(body: Uint8Array, oid: Oid, format: ObjectFormat): Commit {
  const text = decodeUtf8(body);
  const end = text?.indexOf('\n\n') ?? -1;
  if (text === undefined || end < 0 || text.includes('\0')) throw malformed(oid, 'it is not plain UTF-8 text');
  const headers: [string, string][] = [];
  for (const line of text.slice(0, end).split('\n')) {
    const last = headers[headers.length - 1];
    if (line.startsWith(' ')) {
      if (last === undefined) throw malformed(oid, 'a continuation line comes first');
      last[1] += `\n${line.slice(1)}`;
      continue;
    }
    const space = line.indexOf(' ');
    if (space < 0) throw malformed(oid, 'a header has no value');
    headers.push([line.slice(0, space), line.slice(space + 1)]);
  }
  const commit = shape(headers, text.slice(end + 2), format);
  if (commit === undefined) throw malformed(oid, `its headers are ${namesOf(headers)}`);
  return commit;
}

/** A hostile commit has as many as it likes. */
function namesOf(headers: readonly [string, string][]): string {
  const names = headers.slice(0, SHOWN).map(([name]) => name.slice(0, SHOWN));
  return `${names.join(', ')}${headers.length > SHOWN ? ` and ${headers.length - SHOWN} more` : ''}`;
}

function shape(headers: readonly [string, string][], message: string, format: ObjectFormat): Commit | undefined {
  let at = 0;
  const take = (name: string): string | undefined => (headers[at]?.[0] === name ? headers[at++]?.[1] : undefined);
  const tree = take('tree');
  const parents: Oid[] = [];
  for (let parent = take('parent'); parent !== undefined; parent = take('parent')) parents.push(parent);
  const author = take('author');
  const committer = take('committer');
  const signature = take(signatureHeader(format)) ?? null;
  if (at !== headers.length || tree === undefined || author === undefined || committer === undefined) return undefined;
  if (!IDENT.test(author) || !IDENT.test(committer)) return undefined;
  return { tree, parents, author, committer, signature, message };
}

function malformed(oid: Oid, why: string): KvError {
  return new KvError('ATTESTATION_MISMATCH', `commit ${oid} is not of the ledger's form: ${why}`);
}

/** Who did something, and when: the value of an `author` or `committer` line. */
interface Stamp {
  /** `Name <mail>`. */
  readonly identity: string;
  /** Milliseconds since the epoch, a whole number of seconds. */
  readonly time: number;
}

/** `Name <mail> <seconds> +0000`; `ms` since the epoch. */
export function stamp(identity: string, ms: number): string {
  return `${identity} ${Math.floor(ms / 1000)} +0000`;
}

/** Reads an `author` or `committer` of a commit that `decodeCommit` gave; the zone says nothing of when it was. */
export function readStamp(ident: string): Stamp {
  const [, identity = '', seconds = '0'] = STAMP.exec(ident) ?? [];
  return { identity, time: Number(seconds) * 1000 };
}

const STAMP = /^(.*>) (\d+) [+-]\d{4}$/s;
