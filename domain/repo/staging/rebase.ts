import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { toText } from '../objects/paths.js';
import { entryAt, sameEntry } from '../objects/trees.js';
import { Overlay, type OverlayParts } from './overlay.js';

/** What became of edits that were put onto another tree: the state there, or the paths that others have changed too. */
export type Rebased =
  | { readonly overlay: Overlay; readonly conflicts: null }
  | { readonly overlay: null; readonly conflicts: readonly string[] };

/** Puts the edits of a state onto another tree. A path conflicts where that tree has neither what the edits began from nor what they end in. */
export async function rebaseEdits(
  parts: OverlayParts,
  { base, edits }: Pick<Overlay, 'base' | 'edits'>,
  tree: Oid | null,
): Promise<Rebased> {
  const conflicts: string[] = [];
  const next = new Overlay(parts, tree);
  const sorted = [...edits].sort(([, a], [, b]) => Number(a !== null) - Number(b !== null)); // removals make room
  for (const [path, entry] of sorted) {
    const before = await entryAt(parts.source, base, path);
    const now = await entryAt(parts.source, tree, path);
    const isFree = sameEntry(before, now) || sameEntry(now, entry);
    if (isFree && (await placed(next, path, entry))) continue;
    conflicts.push(toText(path));
  }
  return conflicts.length > 0 ? { overlay: null, conflicts: conflicts.sort() } : { overlay: next, conflicts: null };
}

async function placed(overlay: Overlay, path: string, entry: Parameters<Overlay['place']>[1]): Promise<boolean> {
  try {
    await overlay.place(path, entry);
    return true;
  } catch (error) {
    // Something else stands in the way there: that is the conflict.
    if (KvError.is(error) && error.code === 'INPUT_INVALID') return false;
    throw error;
  }
}

/** The conflict that a caller is told of. */
export function movedPaths(paths: readonly string[], what: string): KvError {
  const some = paths.slice(0, 3).map((path) => `'${path}'`);
  const more = paths.length > some.length ? ` and ${paths.length - some.length} more` : '';
  return new KvError('CAS_CONFLICT', `${what}: ${some.join(', ')}${more} changed meanwhile`, {
    hint: 'read the newest state and make the changes again',
    details: { paths },
  });
}
