import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { MODE_DIR, MODE_EXEC, MODE_FILE, oidBytesIn, TreeCursor } from '../../git/tree/tree.js';
import { encodeLayout, FIXED_LEVELS, LAYOUT_FILE, pairAt, REF_SUFFIX, SPLIT_ABOVE } from '../../index/layout.js';
import type { PointerFile } from '../../index/update.js';
import { EMPTY_TREES, MAX_NAME, type Misplacement, type TreeShape } from '../../git/tree/tree-shape.js';
import { indexShape } from '../../index/shape.js';
import type { Fault, RuleContext } from '../fault.js';
import { boundsOf, misplacedFault, treesOf } from '../trees.js';

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

/** So many files and directories without a place, and it is no index: the same few can stand everywhere in it, without end. */
const MOST_MISPLACED = 1000;
/** Directories read in one request. */
const TOGETHER = 32;
/** What stands above the index's own directories: `kv`, the namespace, `index`. */
const ROOTS = 3;

interface Directory {
  readonly oid: Oid;
  readonly path: string;
  /** The pairs that its directories below the index spell, from the root's on. */
  readonly names: readonly string[];
  readonly shape: TreeShape;
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
  private misplaced = 0;
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
    const { pause } = boundsOf(this.rules);
    // The newest first, so that few directories wait.
    const waiting: Directory[] = [directoryAt(this.tree, '', [], indexShape(this.rules.ns), null)];
    const readSome = (): { readonly some: Directory[]; readonly reading: Promise<(GitObject | null)[]> } => {
      const some = waiting.splice(-TOGETHER);
      const reading = trees.read(some.map(({ oid }) => oid)) as Promise<(GitObject | null)[]>;
      reading.catch(() => undefined); // told when its turn comes
      return { some, reading };
    };
    // The next are read while the caller has a part.
    for (let next = readSome(); next.some.length > 0 && this.misplaced <= MOST_MISPLACED; ) {
      const { some, reading } = next;
      const objects = await reading;
      const part = { pointers: [] as FoundPointer[], others: [] as OtherFile[] };
      const seen = new Set<Oid>();
      for (const [i, directory] of some.entries()) this.open(directory, objects[i]?.body ?? EMPTY, part, waiting, seen);
      next = readSome();
      yield part;
      await pause?.();
    }
    if (this.misplaced > MOST_MISPLACED) this.rules.emit(noIndex(this.tree));
  }

  /** Looks through a directory. */
  private open(
    directory: Directory,
    body: Uint8Array,
    { pointers, others }: { pointers: FoundPointer[]; others: OtherFile[] },
    waiting: Directory[],
    seen: Set<Oid>,
  ): void {
    const { path, names, shape } = directory;
    const { treeEntries } = boundsOf(this.rules);
    const depth = names.length - ROOTS;
    const cursor = new TreeCursor(body, this.oidBytes);
    let last = '';
    for (let entries = 1; cursor.next(); entries++) {
      if (entries > treeEntries || cursor.nameBytes > MAX_NAME) {
        const what = entries > treeEntries ? 'many-entries' : 'long-name';
        this.tell(`${path}/${what === 'long-name' ? cursor.nameStart(60) : ''}`, what);
        break;
      }
      const { name, mode } = cursor;
      if (cursor.compareTo(last) <= 0) this.sound = false;
      last = cursor.isDir ? `${name}/` : name;
      const oid = cursor.oid();
      const child = path === '' ? name : `${path}/${name}`;
      if (mode === MODE_DIR) {
        const below = shape.below(name);
        if (below === null) this.tell(child, 'foreign');
        else if (oid === EMPTY_TREES[this.oidBytes]) this.tell(child, 'empty');
        else if (seen.has(oid)) this.tell(child, 'repeated');
        else {
          seen.add(oid);
          directory.open++;
          directory.split = true;
          waiting.push(directoryAt(oid, child, [...names, name], below, directory));
        }
      } else if (depth >= 0 && name.endsWith(REF_SUFFIX) && (mode === MODE_FILE || mode === MODE_EXEC)) {
        const urlsafe = name.slice(0, -REF_SUFFIX.length);
        directory.pointers++;
        if (!this.isPlaced(urlsafe, names, depth)) {
          this.sound = false;
          this.misplaced++;
        }
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

  private tell(path: string, what: Misplacement): void {
    this.sound = false;
    this.misplaced++;
    this.rules.emit(misplacedFault('index', { path, what }));
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

function directoryAt(oid: Oid, path: string, names: readonly string[], shape: TreeShape, parent: Directory | null): Directory {
  return { oid, path, names, shape, parent, pointers: 0, open: 0, split: false };
}

function noIndex(tree: Oid): Fault {
  return {
    code: 'ATTESTATION_MISMATCH',
    message: `index tree ${tree} has more than ${MOST_MISPLACED} files and directories that have no place there: the rest was not looked at`,
    subject: { object: tree },
  };
}
