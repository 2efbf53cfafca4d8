import type { Oid } from '../../../ports/vocabulary.js';

/**
 * Which directories may stand in a tree. A few kilobytes can be a tree of a million directories, whose subtrees are shared, so that
 * whoever walks through a stranger's tree asks before going down.
 */
export interface TreeShape {
  /** What a subdirectory of that name may hold; null: there can be none of that name. */
  below(name: string): TreeShape | null;
}

/** A directory that has no subdirectories. */
export const LEAF: TreeShape = { below: () => null };

/** A directory whose subdirectories have these names and no others. */
export function named(directories: Readonly<Record<string, TreeShape>>): TreeShape {
  const known = new Map(Object.entries(directories));
  return { below: (name) => known.get(name) ?? null };
}

/** The longest name that any entry has: a key's 512 bytes, each spelt by three characters, and the longest suffix. Bytes. */
export const MAX_NAME = 3 * 512 + '.manifest.json'.length;

/** What is wrong with an entry of a tree, or with the tree itself. */
export type Misplacement =
  /** No directory of that name has a place there. */
  | 'foreign'
  /** A directory without entries: git-kv writes none. */
  | 'empty'
  /** The same subtree as a directory beside it. Names in it are whole, so that no two directories hold the same. */
  | 'repeated'
  /** Its name is longer than that of any key's file. */
  | 'long-name'
  /** Its entries are not in git's order, or one stands there twice. */
  | 'unsorted'
  /** It has more entries than are looked at. */
  | 'many-entries';

/** What has no place in a tree. */
export interface Misplaced {
  /** The entry's path, or the directory's; an overlong name is cut. */
  readonly path: string;
  readonly what: Misplacement;
}

/** How a stranger's trees are walked through. */
export interface TreeWalk {
  readonly shape: TreeShape;
  /** The most entries of one directory. */
  readonly entries: number;
  /** Hears what has no place in the newer tree. When it doesn't throw, that is passed over, and the walk goes on. */
  readonly tell: (misplaced: Misplaced) => void;
  /** Hears how many pairs of directories wait to be read; throws, or waits for room. */
  readonly waiting?: (pairs: number) => Promise<void> | void;
  /** Sees each pair of directories that was compared: what their trees hold. */
  readonly compared?: (path: string, before: Uint8Array, after: Uint8Array) => void;
  /** Lets others have their turn, between some megabytes of trees. */
  readonly pause?: () => Promise<void>;
}

/** The id of the tree without entries, by how many bytes an id has. */
export const EMPTY_TREES: Readonly<Record<number, Oid>> = {
  20: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  32: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

/** What is wrong, in words that follow a path. */
export const MISPLACEMENTS: Readonly<Record<Misplacement, string>> = {
  foreign: 'is a directory that has no place there',
  empty: 'is an empty directory, which has no place there',
  repeated: 'is the same directory as another one',
  'long-name': 'has a name that is longer than that of any key',
  unsorted: 'has entries that are out of order',
  'many-entries': 'has more entries than are looked at',
};
