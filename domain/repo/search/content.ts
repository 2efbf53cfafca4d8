import type { Oid } from '../../../ports/vocabulary.js';
import { KvError } from '../../../ports/error.js';
import { decodeLoose } from '../../git/bytes.js';
import { globMatcher, toText } from '../objects/paths.js';
import type { ObjectSource } from '../objects/source.js';
import { flatten } from '../objects/trees.js';
import type { ContentMatch, ContentQuery } from '../types.js';

/** How far git looks for a NUL that makes a file binary, bytes. */
const LOOKED_AT = 8000;
const MATCHES = 1000;
/** What is shown of a line, characters. */
const LINE = 1000;

/** Whether git takes a file for binary: a NUL stands near its beginning. */
export function isBinary(body: Uint8Array): boolean {
  return (body.length <= LOOKED_AT ? body : body.subarray(0, LOOKED_AT)).includes(0);
}

/** The lines of a tree's text files that hold a text. */
export async function searchContent(source: ObjectSource, tree: Oid | null, query: ContentQuery): Promise<ContentMatch[]> {
  const { text, paths = [], ignoreCase = false, limit = MATCHES } = query;
  if (text === '' || text.length > LINE || text.includes('\n'))
    throw new KvError('INPUT_INVALID', 'a search is for one line of 1 to 1000 characters');
  const wanted = ignoreCase ? text.toLowerCase() : text;
  const globs = paths.map(globMatcher);
  const matches: ContentMatch[] = [];
  for await (const { path, mode, oid } of flatten(source, tree)) {
    if (matches.length >= limit) break;
    const name = toText(path);
    if (mode === '160000' || (globs.length > 0 && !globs.some((glob) => glob(name)))) continue;
    const body = await source.blob(oid);
    if (!isBinary(body)) searchText(decodeLoose(body), name, wanted, { ignoreCase, limit }, matches);
  }
  return matches;
}

function searchText(
  content: string,
  path: string,
  wanted: string,
  { ignoreCase, limit }: { readonly ignoreCase: boolean; readonly limit: number },
  matches: ContentMatch[],
): void {
  const text = ignoreCase ? content.toLowerCase() : content;
  // Only where lower case is as long as the text do its places mean the same.
  const lines = text.length === content.length ? content : text;
  let number = 1;
  let counted = 0;
  for (let at = text.indexOf(wanted); at >= 0 && matches.length < limit; ) {
    const start = text.lastIndexOf('\n', at - 1) + 1;
    const end = text.indexOf('\n', at);
    for (let i = text.indexOf('\n', counted); i >= 0 && i < start; i = text.indexOf('\n', i + 1)) {
      number++;
      counted = i + 1;
    }
    const line = lines.slice(start, end < 0 ? text.length : end);
    matches.push({ path, line: number, column: at - start + 1, content: line.replace(/\r$/, '').slice(0, LINE) });
    at = end < 0 ? -1 : text.indexOf(wanted, end + 1);
  }
}
