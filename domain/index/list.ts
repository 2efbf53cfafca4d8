import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import { A_PAIR, DEEPEST } from './shape.js';
import { checkLayout, FIXED_LEVELS, LAYOUT_FILE, PAIR, REF_SUFFIX } from './layout.js';
import { READER_BOUNDS } from '../git/bounds.js';
import { MODE_DIR, TreeCursor, type TreeEntry } from '../git/tree/tree.js';
import { EMPTY_TREES, MAX_NAME } from '../git/tree/tree-shape.js';
import { untrusted } from '../git/untrusted.js';

/** A pointer that a listing came across, not opened yet. */
export interface ListedPointer {
  readonly urlsafe: string;
  readonly mode: string;
  readonly oid: Oid;
}

interface ListRange {
  /** The urlsafe form of the prefix; empty lists all. */
  readonly prefix: string;
  /** Only what sorts after this urlsafe key. */
  readonly after?: string;
}

/** Keys shorter than this lie in directories whose names are padded. */
const PADDED_BELOW = PAIR * FIXED_LEVELS;
/** Trees read ahead in one request. */
const BATCH = 64;

/**
 * The pointers of an index, sorted by urlsafe key, walking only the trees that the range touches.
 * `root` is the index commit's tree. Throws `FORMAT_UNSUPPORTED` for an unknown layout, `ATTESTATION_MISMATCH` naming the directory
 * where an index is none: a few trees can be put together so that a walk through them has no end.
 */
export function listPointers(
  store: GitStore,
  ns: string,
  root: Oid,
  range: ListRange,
  oidBytes: number,
): AsyncGenerator<ListedPointer> {
  return new Walk(store, range, oidBytes).run(ns, root);
}

interface Bucket {
  /** The characters that its directories spell. */
  readonly path: string;
  readonly entries: readonly TreeEntry[];
}

interface Place {
  readonly path: string;
  readonly dir: boolean;
  readonly mode: string;
  readonly oid: Oid;
}

class Walk {
  constructor(
    private readonly store: GitStore,
    private readonly range: ListRange,
    private readonly oidBytes: number,
  ) {}

  /**
   * Directory order is key order, but for the few keys that are so short that their directories are padded:
   * `a` lies in `a_/__`, behind `a-/…`. Those are collected first and merged in.
   */
  async *run(ns: string, root: Oid): AsyncGenerator<ListedPointer> {
    const [layout, index] = await this.store.readPaths(root, [`kv/${ns}/index/${LAYOUT_FILE}`, `kv/${ns}/index`]);
    if (index === null || index === undefined) return;
    checkLayout(layout?.body ?? new Uint8Array(0), ns);
    let level: Bucket[] = [{ path: '', entries: this.entriesOf(index.body, index.oid, '') }];
    for (let depth = 1; depth < FIXED_LEVELS; depth++) level = await this.below(level);
    const short = await this.shortKeys(level);
    let next = 0;
    for (const bucket of level) {
      for await (const pointers of this.walk(bucket)) {
        for (const pointer of pointers) {
          while (next < short.length && (short[next] as ListedPointer).urlsafe < pointer.urlsafe)
            yield short[next++] as ListedPointer;
          if (pointer.urlsafe.length >= PADDED_BELOW) yield pointer;
        }
      }
    }
    yield* short.slice(next);
  }

  private async shortKeys(level: readonly Bucket[]): Promise<ListedPointer[]> {
    const { prefix } = this.range;
    if (prefix.length >= PADDED_BELOW) return [];
    const padded = level.map(({ path, entries }) => ({ path, entries: entries.filter((entry) => entry.name.endsWith('_')) }));
    const found: ListedPointer[] = [];
    for (const { entries } of await this.below(padded)) {
      for (const entry of entries) {
        const urlsafe = entry.name.slice(0, -REF_SUFFIX.length);
        if (entry.mode !== MODE_DIR && urlsafe.length < PADDED_BELOW && this.wants(urlsafe))
          found.push(pointerOf(urlsafe, entry));
      }
    }
    return found.sort((a, b) => (a.urlsafe < b.urlsafe ? -1 : 1));
  }

  /** A directory's own pointers and those of its subdirectories, merged; in batches, since an await for each would cost more. */
  private async *walk(bucket: Bucket): AsyncGenerator<ListedPointer[]> {
    const places = this.placesIn(bucket);
    for (let at = 0; at < places.length; at += BATCH) {
      const group = places.slice(at, at + BATCH);
      const below = await this.open(group.filter(({ dir }) => dir));
      let opened = 0;
      let batch: ListedPointer[] = [];
      for (const { path, dir, mode, oid } of group) {
        if (!dir) {
          batch.push({ urlsafe: path, mode, oid });
          continue;
        }
        const child = below[opened++] as Bucket;
        if (child.entries.some((entry) => entry.mode === MODE_DIR)) {
          yield batch;
          batch = [];
          yield* this.walk(child);
        } else {
          for (const place of this.placesIn(child)) batch.push({ urlsafe: place.path, mode: place.mode, oid: place.oid });
        }
      }
      yield batch;
    }
  }

  /** What of a directory the range touches, in key order: pointers by their urlsafe keys, subdirectories by what theirs start with. */
  private placesIn({ path, entries }: Bucket): Place[] {
    const places: Place[] = [];
    for (const { mode, name, oid } of entries) {
      const dir = mode === MODE_DIR;
      const at = dir ? path + name : name.slice(0, -REF_SUFFIX.length);
      if (dir ? this.mayHold(at) : this.wants(at)) places.push({ path: at, dir, mode, oid });
    }
    return places.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** The subdirectories of these directories that can hold a key of the range. */
  private async below(buckets: readonly Bucket[]): Promise<Bucket[]> {
    const dirs = buckets.flatMap(({ path, entries }) =>
      entries.filter((entry) => entry.mode === MODE_DIR).map((entry) => ({ path: path + entry.name, oid: entry.oid })),
    );
    return this.open(dirs.filter(({ path }) => this.mayHold(path)));
  }

  private async open(dirs: readonly { path: string; oid: Oid }[]): Promise<Bucket[]> {
    const once = new Set(dirs.map(({ oid }) => oid));
    if (once.size < dirs.length) throw untrusted(`the index has one directory in two places, such as ${twice(dirs)}`);
    const objects = await this.store.read(dirs.map(({ oid }) => oid));
    return dirs.map(({ path, oid }, i) => {
      const object = objects[i];
      if (object === null || object === undefined)
        throw new KvError('GIT_ERROR', `index tree ${oid} is missing`, { hint: 'run git fsck' });
      return { path, entries: this.entriesOf(object.body, oid, path) };
    });
  }

  /** A directory's entries, each of which must have its place there: pairs, and from the second level on pointers below their own pairs. */
  private entriesOf(body: Uint8Array, oid: Oid, path: string): TreeEntry[] {
    const cursor = new TreeCursor(body, this.oidBytes);
    const entries: TreeEntry[] = [];
    const depth = path.length / PAIR;
    let last = '';
    while (cursor.next()) {
      const long = cursor.nameBytes > MAX_NAME || entries.length >= READER_BOUNDS.treeEntries;
      const entry = { mode: cursor.mode, name: long ? cursor.nameStart(60) : cursor.name, oid: cursor.oid() };
      const key = cursor.isDir ? `${entry.name}/` : entry.name;
      const placed = cursor.isDir ? isPair(entry.name, depth) : this.isPlaced(entry.name, path, depth);
      if (long || !placed || key <= last || entry.oid === EMPTY_TREES[this.oidBytes]) throw noIndex(oid, entry.name);
      last = key;
      entries.push(entry);
    }
    if (entries.length === 0) throw noIndex(oid, '');
    return entries;
  }

  private isPlaced(name: string, path: string, depth: number): boolean {
    if (depth === 0) return name === LAYOUT_FILE;
    if (depth < FIXED_LEVELS || !name.endsWith(REF_SUFFIX)) return false;
    const urlsafe = name.slice(0, -REF_SUFFIX.length);
    return urlsafe.length >= PADDED_BELOW ? urlsafe.startsWith(path) : urlsafe.padEnd(PADDED_BELOW, '_') === path;
  }

  private wants(urlsafe: string): boolean {
    const { prefix, after } = this.range;
    return urlsafe.startsWith(prefix) && (after === undefined || urlsafe > after);
  }

  /** Whether a directory can hold a key of the range. In the padded levels, underscores at the end may stand for nothing. */
  private mayHold(path: string): boolean {
    const { prefix, after } = this.range;
    const real = path.length <= PADDED_BELOW ? path.replace(/_+$/, '') : path;
    const meets = path.startsWith(prefix) || prefix.startsWith(path) || real.startsWith(prefix) || prefix.startsWith(real);
    if (!meets) return false;
    return after === undefined || path >= after.slice(0, path.length) || after.startsWith(real);
  }
}

/** The path of a directory that is there twice. */
function twice(dirs: readonly { readonly path: string; readonly oid: Oid }[]): string {
  const seen = new Set<Oid>();
  const found = dirs.find(({ oid }) => seen.has(oid) || !seen.add(oid));
  return JSON.stringify(found?.path);
}

const isPair = (name: string, depth: number): boolean => depth < DEEPEST && A_PAIR.test(name);

function noIndex(tree: Oid, name: string): KvError {
  return untrusted(`index tree ${tree} is none: ${JSON.stringify(name)} has no place in it`, { object: tree });
}

function pointerOf(urlsafe: string, entry: TreeEntry): ListedPointer {
  return { urlsafe, mode: entry.mode, oid: entry.oid };
}
