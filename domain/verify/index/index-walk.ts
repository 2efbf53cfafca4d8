import type { Oid } from '../../../ports/vocabulary.js';
import { MODE_DIR, MODE_EXEC, MODE_FILE, oidBytesIn, TreeCursor } from '../../git/tree.js';
import { encodeLayout, FIXED_LEVELS, LAYOUT_FILE, pairAt, REF_SUFFIX, SPLIT_ABOVE } from '../../index/layout.js';
import type { PointerFile } from '../../index/update.js';
import type { RuleContext } from '../fault.js';
import { treesOf } from '../trees.js';

/** A pointer as an index has it. */
export interface FoundPointer extends PointerFile {
  readonly urlsafe: string;
}

/** A file of an index that is no pointer. */
export interface OtherFile extends PointerFile {
  readonly path: string;
}

/** Some of an index. */
interface IndexPart {
  readonly pointers: readonly FoundPointer[];
  readonly others: readonly OtherFile[];
}

/** Directories read in one request. */
const TOGETHER = 32;
/** What stands above the index's own directories: `kv`, the namespace, `index`. */
const ROOTS = 3;

interface Directory {
  readonly oid: Oid;
  readonly path: string;
  /** The pairs that its directories below the index spell, from the root's on. */
  readonly names: readonly string[];
  readonly parent: Directory | null;
  /** Pointers in it and below it. */
  pointers: number;
  /** Subdirectories that were not walked to their end yet. */
  open: number;
  split: boolean;
}

/**
 * Walks an index from end to end, a part at a time. On the way it sees whether the shape is the one that the pointers give it: each
 * lies below the pairs of its own key, a directory is split exactly where it must be, and nothing else is there.
 */
export class IndexWalk {
  private sound = true;
  private layout = false;
  private readonly oidBytes: number;
  private readonly layoutBlob: Oid;

  constructor(
    private readonly rules: RuleContext,
    private readonly tree: Oid,
  ) {
    this.oidBytes = oidBytesIn(rules.store.objectFormat);
    this.layoutBlob = rules.namer.oid('blob', encodeLayout());
  }

  /** After the walk: whether the shape is as it must be. */
  get inShape(): boolean {
    return this.sound && this.layout;
  }

  async *parts(): AsyncGenerator<IndexPart> {
    const trees = treesOf(this.rules);
    // The newest first, so that few directories wait.
    const waiting: Directory[] = [{ oid: this.tree, path: '', names: [], parent: null, pointers: 0, open: 0, split: false }];
    while (waiting.length > 0) {
      const some = waiting.splice(-TOGETHER);
      const objects = await trees.read(some.map(({ oid }) => oid));
      const part = { pointers: [] as FoundPointer[], others: [] as OtherFile[] };
      for (const [i, directory] of some.entries()) this.open(directory, objects[i]?.body ?? EMPTY, part, waiting);
      yield part;
    }
  }

  /** Looks through a directory. */
  private open(
    directory: Directory,
    body: Uint8Array,
    { pointers, others }: { pointers: FoundPointer[]; others: OtherFile[] },
    waiting: Directory[],
  ): void {
    const { path, names } = directory;
    const depth = names.length - ROOTS;
    const cursor = new TreeCursor(body, this.oidBytes);
    let last = '';
    while (cursor.next()) {
      const { name, mode } = cursor;
      if (cursor.compareTo(last) <= 0) this.sound = false;
      last = cursor.sortKey();
      const oid = cursor.oid();
      const child = path === '' ? name : `${path}/${name}`;
      if (mode === MODE_DIR) {
        if (depth < 0 && name !== ['kv', this.rules.ns, 'index'][names.length]) this.sound = false;
        directory.open++;
        directory.split = true;
        waiting.push({ oid, path: child, names: [...names, name], parent: directory, pointers: 0, open: 0, split: false });
      } else if (depth >= 0 && name.endsWith(REF_SUFFIX) && (mode === MODE_FILE || mode === MODE_EXEC)) {
        const urlsafe = name.slice(0, -REF_SUFFIX.length);
        directory.pointers++;
        if (!this.isPlaced(urlsafe, names, depth)) this.sound = false;
        pointers.push({ urlsafe, mode, oid });
      } else {
        others.push({ path: child, mode, oid });
        if (path === `kv/${this.rules.ns}/index` && name === LAYOUT_FILE && mode === MODE_FILE)
          this.layout = oid === this.layoutBlob;
        else this.sound = false;
      }
    }
    if (body.length === 0) this.sound = false;
    if (directory.split && depth >= FIXED_LEVELS) this.checkStaying(pointers, directory.pointers, depth);
    if (directory.open === 0) this.settle(directory);
  }

  /** A pointer lies below the pairs of its own key. */
  private isPlaced(urlsafe: string, names: readonly string[], depth: number): boolean {
    if (depth < FIXED_LEVELS) return false;
    for (let i = 0; i < depth; i++) if (pairAt(urlsafe, i) !== names[i + ROOTS]) return false;
    return true;
  }

  /** What stays in a directory that is split is too short for another pair. */
  private checkStaying(pointers: readonly FoundPointer[], count: number, depth: number): void {
    for (let i = pointers.length - count; i < pointers.length; i++)
      if (pairAt((pointers[i] as FoundPointer).urlsafe, depth) !== undefined) this.sound = false;
  }

  /** A directory was walked to its end, and perhaps those above it with it. */
  private settle(directory: Directory): void {
    for (let at: Directory | null = directory; at !== null; at = at.parent) {
      if (at.names.length - ROOTS >= FIXED_LEVELS && at.split !== at.pointers > SPLIT_ABOVE) this.sound = false;
      if (at.parent === null) return;
      at.parent.pointers += at.pointers;
      at.parent.open--;
      if (at.parent.open > 0) return;
    }
  }
}

const EMPTY = new Uint8Array(0);
