import type { Oid } from '../../../ports/vocabulary.js';
import { MODE_DIR } from '../../git/tree/tree.js';
import { KvError } from '../../../ports/error.js';
import { type BytePath, globMatcher, shown, toBytePath, toText } from '../objects/paths.js';
import type { ObjectSource } from '../objects/source.js';
import { entriesOf, entryAt, type FlatEntry, flatten } from '../objects/trees.js';
import type { ListedEntry } from '../types.js';

/** Blobs whose sizes are asked for at a time. */
const TOGETHER = 512;

/** What is in a directory of a tree; recursively with the directories themselves, unless told otherwise. Throws `NOT_FOUND`. */
export async function listDirectory(
  source: ObjectSource,
  tree: Oid | null,
  path: string,
  recursive: boolean,
): Promise<ListedEntry[]> {
  const at = toBytePath(path.replace(/^\/+|\/+$/g, ''));
  const entry = at === '' ? null : await entryAt(source, tree, at);
  if (at !== '' && entry?.mode !== MODE_DIR) {
    const what = entry === null ? 'there is no directory' : 'a file is';
    throw new KvError('NOT_FOUND', `${what} '${shown(path)}'`, { details: { path: shown(path) } });
  }
  const root = at === '' ? tree : (entry?.oid ?? null);
  const found: FlatEntry[] = [];
  if (recursive) for await (const each of flatten(source, root, at, true)) found.push(each);
  else
    for (const { name, mode, oid } of entriesOf(await source.tree(root), source.oidBytes))
      found.push({ path: at === '' ? name : `${at}/${name}`, mode, oid });
  return sized(source, found);
}

/** The files of a tree whose paths match a glob; of a word that is none, those that have it in their paths, in any case. */
export async function findFiles(source: ObjectSource, tree: Oid | null, glob: string): Promise<ListedEntry[]> {
  const word = glob.toLowerCase();
  const matches = /[*?[\]{}\\]/.test(glob) ? globMatcher(glob) : (path: string) => path.toLowerCase().includes(word);
  const found: FlatEntry[] = [];
  for await (const each of flatten(source, tree)) if (matches(toText(each.path))) found.push(each);
  return sized(source, found);
}

async function sized(source: ObjectSource, entries: readonly FlatEntry[]): Promise<ListedEntry[]> {
  const listed: ListedEntry[] = [];
  for (let from = 0; from < entries.length; from += TOGETHER) {
    const some = entries.slice(from, from + TOGETHER);
    const blobs = some.map(({ mode, oid }) => (typeOf(mode) === 'file' || typeOf(mode) === 'symlink' ? oid : null));
    const sizes = await source.sizes(blobs.filter((oid) => oid !== null));
    for (const [i, { path, mode, oid }] of some.entries()) {
      const blob = blobs[i] ?? null;
      listed.push({
        name: toText(nameOf(path)),
        path: toText(path),
        type: typeOf(mode),
        mode,
        oid,
        size: blob === null ? 0 : (sizes.get(blob) ?? 0),
      });
    }
  }
  return listed;
}

function nameOf(path: BytePath): BytePath {
  return path.slice(path.lastIndexOf('/') + 1);
}

function typeOf(mode: string): ListedEntry['type'] {
  return mode === MODE_DIR ? 'dir' : mode === '120000' ? 'symlink' : mode === '160000' ? 'submodule' : 'file';
}
