import type { TreeCursor } from '../../git/tree/tree.js';

/** An entry that a tree has and another has not, or not so; both cursors stand where they are until the next is asked for. */
export interface Differing {
  readonly at: TreeCursor;
  /** The other tree's entry of that name and kind. */
  readonly before: TreeCursor | null;
}

/** What of `right` is not the same in `left`. Entries that are, as most are, are passed byte by byte. */
export function* differing(left: TreeCursor, right: TreeCursor): Generator<Differing> {
  left.skipAlike(right);
  let more = left.next();
  while (right.next()) {
    if (more && left.sameAs(right)) {
      left.skipAlike(right);
      more = left.next();
      continue;
    }
    const key = right.sortKey();
    while (more && left.compareTo(key) < 0) more = left.next();
    const isThere = more && left.compareTo(key) === 0;
    if (!isThere) yield { at: right, before: null };
    else if (!left.sameAs(right)) yield { at: right, before: left };
    if (!isThere) continue;
    left.skipAlike(right);
    more = left.next();
  }
}
