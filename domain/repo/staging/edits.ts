import { type BytePath, folded, foldersOf } from '../objects/paths.js';
import type { Entry } from '../objects/trees.js';

/** Edits of paths on top of a state: what stands at a path, or null for what is removed. */
export class Edits {
  private readonly edits = new Map<BytePath, Entry | null>();
  /** How many paths are put below each folder. */
  private folders: Map<BytePath, number> | null = null;
  /** How names are spelt, by what some file system makes of them; null where it has to be gathered anew. */
  private spelt: Map<string, BytePath> | null = null;

  get size(): number {
    return this.edits.size;
  }

  get(path: BytePath): Entry | null | undefined {
    return this.edits.get(path);
  }

  [Symbol.iterator](): IterableIterator<[BytePath, Entry | null]> {
    return this.edits[Symbol.iterator]();
  }

  /** What stands at the paths. */
  entries(): IterableIterator<Entry | null> {
    return this.edits.values();
  }

  set(path: BytePath, entry: Entry | null): void {
    const old = this.edits.size > 0 ? this.edits.get(path) : undefined;
    if (old !== undefined && old !== null && entry === null) this.delete(path);
    this.edits.set(path, entry);
    if (old !== undefined && old !== null) return; // what is spelt, and which folders there are, stays
    if (entry === null) return;
    if (path.includes('/')) {
      this.folders ??= new Map();
      for (const folder of foldersOf(path)) this.folders.set(folder, (this.folders.get(folder) ?? 0) + 1);
    }
    if (this.spelt !== null) note(this.spelt, path);
  }

  delete(path: BytePath): void {
    const old = this.edits.get(path);
    this.edits.delete(path);
    if (old === null || old === undefined) return;
    this.spelt = null;
    const { folders } = this;
    if (folders === null) return;
    for (const folder of foldersOf(path)) {
      const left = (folders.get(folder) as number) - 1;
      if (left === 0) folders.delete(folder);
      else folders.set(folder, left);
    }
  }

  clear(): void {
    this.edits.clear();
    this.folders = null;
    this.spelt = null;
  }

  /** Whether something is put below a folder. */
  hasBelow(folder: BytePath): boolean {
    return this.folders?.has(folder) === true;
  }

  /** The paths that are edited below a folder, or at it. */
  *within(folder: BytePath): Generator<[BytePath, Entry | null]> {
    const prefix = `${folder}/`;
    for (const edit of this.edits) if (edit[0] === folder || edit[0].startsWith(prefix)) yield edit;
  }

  /** A name among those put that some file system can't tell from this one, which is spelt otherwise. */
  likened(path: BytePath): BytePath | null {
    if (this.spelt === null) {
      this.spelt = new Map();
      for (const [other, entry] of this.edits) if (entry !== null) note(this.spelt, other);
    }
    const other = this.spelt.get(folded(path));
    return other === undefined || other === path ? null : other;
  }

  /** A copy that is changed by itself. */
  copy(): Edits {
    const copy = new Edits();
    for (const [path, entry] of this.edits) copy.set(path, entry);
    return copy;
  }
}

function note(spelt: Map<string, BytePath>, path: BytePath): void {
  for (const folder of foldersOf(path)) spelt.set(folded(folder), folder);
  spelt.set(folded(path), path);
}
