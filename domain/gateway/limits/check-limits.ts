import type { Limits } from '../../../ports/stargate/limits.js';
import type { ObjectType } from '../../../ports/vocabulary.js';
import type { Bounds } from '../../git/bounds.js';

/** What a push may have checked, by the limits that are in force. */
export interface CheckLimits extends Pick<Bounds, 'treeEntries' | 'manifestBytes'> {
  /** The largest object of a type, bytes. */
  readonly objects: Readonly<Record<ObjectType, number>>;
  /** The memory that every push has to itself, bytes: half of all is shared out among as many pushes as there may be. */
  readonly each: number;
  /** The memory for one large push at a time, beside its own; the others wait. Bytes. */
  readonly large: number;
}

/** The bounds on what is checked. */
export function checkLimits(limits: Limits): CheckLimits {
  const { checkedBytes, checkedObject, commitBytes, pushes, treeEntries, manifestBytes } = limits;
  const half = Math.floor(checkedBytes / 2);
  return {
    objects: { commit: commitBytes, tag: commitBytes, tree: checkedObject, blob: checkedObject },
    each: Math.floor(half / pushes),
    large: half,
    treeEntries,
    manifestBytes,
  };
}
