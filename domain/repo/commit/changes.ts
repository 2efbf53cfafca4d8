import { toBytePath, toText } from '../objects/paths.js';
import { changesBetween, type Entry, type EntryChange, entryAt } from '../objects/trees.js';
import type { Overlay } from '../staging/overlay.js';
import type { Candidate, FileContent, PathChange } from '../types.js';
import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { BytePath } from '../objects/paths.js';
import type { ObjectSource } from '../objects/source.js';
import { MODE_DIR } from '../../git/tree/tree.js';
import { listDirectory } from '../search/files.js';

/** A change as callers are told of it. */
export function pathChange({ path, before, after }: EntryChange): PathChange {
  const status =
    before === null ? 'added' : after === null ? 'deleted' : kindOf(before) === kindOf(after) ? 'modified' : 'type-changed';
  return {
    path: toText(path),
    status,
    oldMode: before?.mode ?? null,
    newMode: after?.mode ?? null,
    oldOid: before?.oid ?? null,
    newOid: after?.oid ?? null,
  };
}

/** What the mode says besides being executable. */
function kindOf({ mode }: Entry): string {
  return mode.slice(0, 3);
}

/** What an overlay changes, sorted by path. */
export async function overlayChanges(overlay: Overlay): Promise<EntryChange[]> {
  const changes: EntryChange[] = [];
  for (const [path, after] of overlay.edits) {
    const before = await entryAt(overlay.source, overlay.base, path);
    changes.push({ path, before: before?.mode === MODE_DIR ? null : before, after });
  }
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What is about to be committed, as checks see it: what is changed between two trees, and the files of the newer. */
export async function candidateOf(
  source: ObjectSource,
  words: Pick<Candidate, 'ref' | 'parents' | 'message' | 'author'>,
  before: Oid | null,
  tree: Oid,
): Promise<Candidate> {
  return {
    ...words,
    changes: (await changesBetween(source, before, tree)).map(pathChange),
    read: async (path) => {
      const entry = await entryAt(source, tree, toBytePath(path));
      return entry === null ? null : fileAt(source, toBytePath(path), entry);
    },
    files: () => listDirectory(source, tree, '', true),
  };
}

/** A file by its entry. Throws `NOT_FOUND` where there is none, or it is a directory or a submodule. */
export async function fileAt(source: ObjectSource, path: BytePath, entry: Entry | null): Promise<FileContent> {
  const name = toText(path);
  if (entry === null || entry.mode === MODE_DIR || entry.mode === '160000') {
    const why = entry === null ? 'there is no file' : entry.mode === MODE_DIR ? 'a directory is' : 'a submodule is';
    throw new KvError('NOT_FOUND', `${why} '${name.slice(0, 200)}'`, { details: { path: name.slice(0, 200) } });
  }
  return { path: name, oid: entry.oid, mode: entry.mode, content: await source.blob(entry.oid) };
}
