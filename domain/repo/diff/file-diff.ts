import { decodeLoose } from '../../git/bytes.js';
import type { BytePath } from '../objects/paths.js';
import type { ObjectSource } from '../objects/source.js';
import type { Entry, EntryChange } from '../objects/trees.js';
import { isBinary } from '../search/content.js';
import { unifiedHunks } from './hunks.js';
import { fileText, splitLines, trimCommonTail } from './lines.js';
import { type LineChange, lineChanges } from './line-changes.js';
import { quotedPath } from './quoted.js';

/** How much of an id is shown, hex digits. */
const SHORT = 7;
const SUBMODULE = '160000';

/** What a difference is shown with. */
export interface FileDiffOptions {
  readonly context: number;
}

/** The difference of one path as `git diff --no-renames` prints it: a string with a character for each byte. */
export async function fileDiff(source: ObjectSource, change: EntryChange, options: FileDiffOptions): Promise<string> {
  const { path, before, after } = change;
  // What becomes something else of another kind goes, and comes.
  if (before !== null && after !== null && before.mode.slice(0, 3) !== after.mode.slice(0, 3))
    return (
      (await fileDiff(source, { path, before, after: null }, options)) +
      (await fileDiff(source, { path, before: null, after }, options))
    );
  const content = before?.oid === after?.oid ? '' : await contentDiff(source, change, options);
  return header(path, before, after) + content;
}

function header(path: BytePath, before: Entry | null, after: Entry | null): string {
  let out = `diff --git ${quotedPath(`a/${path}`)} ${quotedPath(`b/${path}`)}\n`;
  if (before === null) out += `new file mode ${after?.mode}\n`;
  else if (after === null) out += `deleted file mode ${before.mode}\n`;
  else if (before.mode !== after.mode) out += `old mode ${before.mode}\nnew mode ${after.mode}\n`;
  if (before?.oid === after?.oid) return out;
  const none = '0'.repeat(SHORT);
  const mode = before !== null && before.mode === after?.mode ? ` ${before.mode}` : '';
  return `${out}index ${before?.oid.slice(0, SHORT) ?? none}..${after?.oid.slice(0, SHORT) ?? none}${mode}\n`;
}

async function contentDiff(
  source: ObjectSource,
  { path, before, after }: EntryChange,
  { context }: FileDiffOptions,
): Promise<string> {
  const [old, next] = [await contentOf(source, before), await contentOf(source, after)];
  const [from, to] = [
    before === null ? '/dev/null' : quotedPath(`a/${path}`),
    after === null ? '/dev/null' : quotedPath(`b/${path}`),
  ];
  if (isBinary(old) || isBinary(next)) return `Binary files ${from} and ${to} differ\n`;
  const [a, b, script] = compared(fileText(old), fileText(next), context);
  if (script.length === 0) return '';
  return `--- ${from}${tabbed(from)}\n+++ ${to}${tabbed(to)}\n${unifiedHunks(a, b, script, context)}`;
}

/** Lines and changes of two texts. */
function compared(old: string, next: string, context: number): [readonly string[], readonly string[], LineChange[]] {
  const [a, b] = (context === 0 ? trimCommonTail(old, next) : [old, next]).map(splitLines) as [string[], string[]];
  return [a, b, lineChanges(a, b)];
}

/** How many lines a path has less and more; null for a binary file. */
export async function fileStat(
  source: ObjectSource,
  { before, after }: EntryChange,
): Promise<{ readonly added: number; readonly deleted: number } | null> {
  if (before?.oid === after?.oid) return { added: 0, deleted: 0 };
  const [old, next] = [await contentOf(source, before), await contentOf(source, after)];
  if (isBinary(old) || isBinary(next)) return null;
  const [, , script] = compared(fileText(old), fileText(next), 0);
  return {
    added: script.reduce((sum, each) => sum + each.added, 0),
    deleted: script.reduce((sum, each) => sum + each.removed, 0),
  };
}

/** What git compares of an entry; of a submodule, a line that names its commit. */
async function contentOf(source: ObjectSource, entry: Entry | null): Promise<Uint8Array> {
  if (entry === null) return new Uint8Array(0);
  if (entry.mode === SUBMODULE) return Uint8Array.from(`Subproject commit ${entry.oid}\n`, (char) => char.charCodeAt(0));
  return source.blob(entry.oid);
}

/** Behind a name with a space, patch programs need to see where it ends. */
function tabbed(name: string): string {
  return name.includes(' ') ? '\t' : '';
}

/** The text of a string that has a character for each byte. */
export function textOf(bytes: string): string {
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = bytes.charCodeAt(i);
  return decodeLoose(out);
}
