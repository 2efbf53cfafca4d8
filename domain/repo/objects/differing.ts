import type { TreeCursor } from '../../git/tree/tree.js';

/** An entry that a tree has and another has not, or not so; both cursors stand where they are until the next is asked for. */
export interface Differing {
  readonly at: TreeCursor;
  /** The other tree's entry of that name and kind. */
  readonly before: TreeCursor | null;
}

/** What of `right` is not the same in `left`. Of entries that are, not a name is decoded: most are. */
export function* differing(left: TreeCursor, right: TreeCursor): Generator<Differing> {
  let more = left.next();
  while (right.next()) {
    if (more && left.sameAs(right)) {
      more = left.next();
      continue;
    }
    const key = right.sortKey();
    while (more && left.compareTo(key) < 0) more = left.next();
    const isThere = more && left.compareTo(key) === 0;
    if (!isThere) yield { at: right, before: null };
    else if (!left.sameAs(right)) yield { at: right, before: left };
    if (isThere) more = left.next();
  }
}
