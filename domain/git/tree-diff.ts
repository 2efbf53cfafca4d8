import { KvError } from '../../ports/error.js';
import type { Oid } from '../../ports/vocabulary.js';
import { MODE_DIR, TreeCursor } from './tree.js';
import type { TreeReader } from './tree-draft.js';

/** One side of a changed path. */
export interface Side {
  readonly mode: string;
  readonly oid: Oid;
}

/** A path whose blob or mode differs. A path that is absent on a side has null there. */
export interface TreeChange {
  readonly path: string;
  readonly before: Side | null;
  readonly after: Side | null;
}

/** A directory of two trees that differs between them; null on a side where it is not. */
export interface DirPair {
  readonly path: string;
  readonly before: Oid | null;
  readonly after: Oid | null;
}

/**
 * The files that differ between two trees (`null`: no tree), a level of directories at a time, each level in one request.
 * Identical subtrees are never read. Gives changes ordered by depth, then by directory and name.
 */
export async function* diffTrees(
  store: TreeReader,
  before: Oid | null,
  after: Oid | null,
  oidBytes: number,
): AsyncGenerator<TreeChange> {
  let level: DirPair[] = before === after ? [] : [{ path: '', before, after }];
  while (level.length > 0) {
    const next: DirPair[] = [];
    const changes: TreeChange[] = [];
    for (const opened of await openPairs(store, level)) comparePair(opened, oidBytes, next, changes);
    yield* changes;
    level = next;
  }
}

/** A directory with what its trees hold. */
export interface OpenedPair {
  readonly path: string;
  readonly left: Uint8Array;
  readonly right: Uint8Array;
}

const EMPTY = new Uint8Array(0);

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
  return level.map((pair) => ({ path: pair.path, left: body(pair.before), right: body(pair.after) }));
}

/** Adds what differs in a directory: its subdirectories to `next`, its files to `changes`. */
export function comparePair(opened: OpenedPair, oidBytes: number, next: DirPair[], changes: TreeChange[]): void {
  const { path } = opened;
  const [left, right] = [new TreeCursor(opened.left, oidBytes), new TreeCursor(opened.right, oidBytes)];
  const emit = (name: string, before: Side | null, after: Side | null): void => {
    const child = path === '' ? name : `${path}/${name}`;
    const beforeDir = before?.mode === MODE_DIR ? before.oid : null;
    const afterDir = after?.mode === MODE_DIR ? after.oid : null;
    if (beforeDir !== null || afterDir !== null) next.push({ path: child, before: beforeDir, after: afterDir });
    const beforeFile = beforeDir === null ? before : null;
    const afterFile = afterDir === null ? after : null;
    if (beforeFile !== null || afterFile !== null) changes.push({ path: child, before: beforeFile, after: afterFile });
  };
  let hasLeft = left.next();
  let hasRight = right.next();
  while (hasLeft || hasRight) {
    const leftKey = hasLeft ? left.sortKey() : undefined;
    const rightKey = hasRight ? right.sortKey() : undefined;
    if (leftKey === rightKey) {
      if (!left.sameAs(right)) {
        emit(left.name, { mode: left.mode, oid: left.oid() }, { mode: right.mode, oid: right.oid() });
      }
      hasLeft = left.next();
      hasRight = right.next();
    } else if (rightKey === undefined || (leftKey !== undefined && leftKey < rightKey)) {
      emit(left.name, { mode: left.mode, oid: left.oid() }, null);
      hasLeft = left.next();
    } else {
      emit(right.name, null, { mode: right.mode, oid: right.oid() });
      hasRight = right.next();
    }
  }
}
