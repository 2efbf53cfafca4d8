import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { readAhead } from '../read-ahead.js';
import { MODE_DIR, TreeCursor } from './tree.js';
import type { TreeReader } from './tree-draft.js';
import { EMPTY_TREES, MAX_NAME, type Misplacement, type TreeShape, type TreeWalk } from './tree-shape.js';

/** One side of a changed path. */
export interface Side {
  readonly mode: string;
  readonly oid: Oid;
}

/** A path whose blob or mode differs. A path that is absent on a side has null there. */
export class TreeChange {
  constructor(
    /** The directory's path; empty: the root. */
    readonly dir: string,
    readonly name: string,
    readonly before: Side | null,
    readonly after: Side | null,
  ) {}

  /** Put together when it is asked for: whoever goes through all of a tree needs none. */
  get path(): string {
    return this.dir === '' ? this.name : `${this.dir}/${this.name}`;
  }
}

/** A directory of two trees that differs between them; null on a side where it is not. */
export interface DirPair {
  readonly path: string;
  readonly before: Oid | null;
  readonly after: Oid | null;
  readonly shape: TreeShape;
}

/** Directories read in one request. */
const TOGETHER = 1024;
/** Others have their turn when so much of trees was compared, bytes. */
const A_TURN = 4 * 1024 * 1024;

/**
 * The files that differ between two trees (`null`: no tree), a level of directories at a time. Identical subtrees are never read, and
 * neither is what has no place in the shape that is walked. Gives changes ordered by depth, then by directory and name.
 */
export async function* diffTrees(
  store: TreeReader,
  before: Oid | null,
  after: Oid | null,
  oidBytes: number,
  walk: TreeWalk,
): AsyncGenerator<TreeChange> {
  const comparison = new TreeComparison(store, oidBytes, walk);
  let level = comparison.roots(before, after);
  while (level.length > 0) {
    const { next, parts } = comparison.open(level);
    for await (const changes of parts) yield* changes;
    level = next;
  }
}

/** A directory with what its trees hold. */
export interface OpenedPair {
  readonly path: string;
  readonly shape: TreeShape;
  readonly left: Uint8Array;
  readonly right: Uint8Array;
}

const EMPTY = new Uint8Array(0);

/** Two trees that are compared, level by level. */
export class TreeComparison {
  private bytes = 0;

  constructor(
    private readonly store: TreeReader,
    private readonly oidBytes: number,
    private readonly walk: TreeWalk,
  ) {}

  /** The level of the two roots; empty when they are the same. */
  roots(before: Oid | null, after: Oid | null): DirPair[] {
    return before === after ? [] : [{ path: '', before, after, shape: this.walk.shape }];
  }

  /** Compares the directories of a level, some at a time: `next` is the level below when all `parts` were taken. */
  open(level: readonly DirPair[]): { readonly next: DirPair[]; readonly parts: AsyncGenerator<TreeChange[]> } {
    const below = new NextLevel(this.oidBytes, this.walk);
    return { next: below.pairs, parts: this.partsOf(level, below) };
  }

  private async *partsOf(level: readonly DirPair[], below: NextLevel): AsyncGenerator<TreeChange[]> {
    for await (const opened of readAhead(slices(level), (some) => openPairs(this.store, some))) {
      const changes: TreeChange[] = [];
      for (const pair of opened) await this.compare(pair, below, changes);
      await this.walk.waiting?.(below.pairs.length);
      yield changes;
    }
  }

  /** Adds what differs in a directory: its subdirectories to the next level, its files to `changes`. */
  async compare(pair: OpenedPair, below: NextLevel, changes: TreeChange[]): Promise<void> {
    comparePair(pair, this.oidBytes, below, changes, this.walk);
    this.walk.compared?.(pair.path, pair.left, pair.right);
    this.bytes += pair.left.length + pair.right.length;
    if (this.bytes < A_TURN) return;
    this.bytes = 0;
    await this.walk.pause?.();
  }
}

function* slices(level: readonly DirPair[]): Generator<readonly DirPair[]> {
  for (let at = 0; at < level.length; at += TOGETHER) yield level.slice(at, at + TOGETHER);
}

/** Reads directories' trees, all in one request. Throws `GIT_ERROR` for one that is missing. */
export async function openPairs(store: TreeReader, level: readonly DirPair[]): Promise<OpenedPair[]> {
  const oids: Oid[] = [];
  for (const { before, after } of level) {
    if (before !== null) oids.push(before);
    if (after !== null) oids.push(after);
  }
  const objects = await store.read(oids);
  let at = 0;
  const body = (oid: Oid | null): Uint8Array => {
    if (oid === null) return EMPTY;
    const object = objects[at++];
    if (object === null || object === undefined || object.type !== 'tree')
      throw new KvError('GIT_ERROR', `tree ${oid} is missing`);
    return object.body;
  };
  return level.map(({ path, shape, before, after }) => ({ path, shape, left: body(before), right: body(after) }));
}

/** The directories that are to be compared next: those that have a place, each once. */
export class NextLevel {
  readonly pairs: DirPair[] = [];
  private readonly seen = [new Set<Oid>(), new Set<Oid>()] as const;
  private readonly empty: Oid | undefined;

  constructor(
    oidBytes: number,
    private readonly walk: TreeWalk,
  ) {
    this.empty = EMPTY_TREES[oidBytes];
  }

  add({ path, shape }: OpenedPair, name: string, old: Oid | null, next: Oid | null): void {
    const child = path === '' ? name : `${path}/${name}`;
    const tell = (what: Misplacement): null => {
      this.walk.tell({ path: child, what });
      return null;
    };
    const below = shape.below(name);
    if (below === null) {
      // What had no place and is gone now is nobody's loss.
      if (next !== null) tell('foreign');
      return;
    }
    const before = old === this.empty ? null : old;
    const isEmpty = next === this.empty;
    let after = isEmpty ? tell('empty') : next;
    if (after !== null && this.isRepeated(1, after)) after = tell('repeated');
    if (before !== null && this.isRepeated(0, before)) tell('repeated');
    else if (before !== null || after !== null) this.pairs.push({ path: child, before, after, shape: below });
  }

  private isRepeated(side: 0 | 1, oid: Oid): boolean {
    const seen = this.seen[side];
    if (seen.has(oid)) return true;
    seen.add(oid);
    return false;
  }
}

function comparePair(opened: OpenedPair, oidBytes: number, below: NextLevel, changes: TreeChange[], walk: TreeWalk): void {
  const { path } = opened;
  const emit = (name: string, before: Side | null, after: Side | null): void => {
    if (name.length > MAX_NAME) {
      if (after !== null) walk.tell({ path: `${path === '' ? '' : `${path}/`}${name.slice(0, 60)}…`, what: 'long-name' });
      return;
    }
    const beforeDir = before?.mode === MODE_DIR ? before.oid : null;
    const afterDir = after?.mode === MODE_DIR ? after.oid : null;
    if (beforeDir !== null || afterDir !== null) below.add(opened, name, beforeDir, afterDir);
    const beforeFile = beforeDir === null ? before : null;
    const afterFile = afterDir === null ? after : null;
    if (beforeFile === null && afterFile === null) return;
    changes.push(new TreeChange(path, name, beforeFile, afterFile));
  };
  const [left, right] = [new Entries(opened.left, oidBytes, path, walk), new Entries(opened.right, oidBytes, path, walk)];
  let leftKey = left.next();
  let rightKey = right.next();
  while (leftKey !== null || rightKey !== null) {
    if (leftKey === rightKey) {
      if (!left.cursor.sameAs(right.cursor)) emit(left.name, left.side(), right.side());
      leftKey = left.next();
      rightKey = right.next();
    } else if (rightKey === null || (leftKey !== null && leftKey < rightKey)) {
      emit(left.name, left.side(), null);
      leftKey = left.next();
    } else {
      emit(right.name, null, right.side());
      rightKey = right.next();
    }
  }
}

/** The entries of a tree, as far as they are what a tree of ours can have. */
class Entries {
  readonly cursor: TreeCursor;
  /** The current entry's name; an overlong one is cut, and still overlong. */
  name = '';
  private count = 0;
  private last = '';

  constructor(
    body: Uint8Array,
    oidBytes: number,
    private readonly path: string,
    private readonly walk: TreeWalk,
  ) {
    this.cursor = new TreeCursor(body, oidBytes);
  }

  /** Moves on to the next entry; gives its name as git sorts it, null at the end. */
  next(): string | null {
    const { cursor, walk } = this;
    if (!cursor.next()) return null;
    if (++this.count > walk.entries) return this.stop('many-entries');
    const long = cursor.nameBytes > MAX_NAME;
    this.name = long ? cursor.nameStart(MAX_NAME + 1) : cursor.name;
    const key = cursor.isDir && !long ? `${this.name}/` : this.name;
    if (key <= this.last) return this.stop('unsorted');
    this.last = key;
    return key;
  }

  side(): Side {
    return { mode: this.cursor.mode, oid: this.cursor.oid() };
  }

  private stop(what: Misplacement): null {
    this.walk.tell({ path: this.path, what });
    return null;
  }
}
