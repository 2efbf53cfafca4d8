import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { utf8 } from '../../git/bytes.js';
import type { ObjectNamer } from '../../git/object.js';
import { MODE_DIR, MODE_EXEC, MODE_FILE, TreeCursor } from '../../git/tree/tree.js';
import { type BytePath, checkedPath, folded, isAscii, shown, toText } from '../objects/paths.js';
import type { ObjectSource } from '../objects/source.js';
import { editTree } from '../objects/tree-edits.js';
import { type Entry, entryAt, entryNamed, flatten, sameEntry } from '../objects/trees.js';
import type { Changes, FilePut, RepositoryLimits } from '../types.js';
import { Edits } from './edits.js';
import type { Pending } from './pending.js';

/** What an overlay works with. */
export interface OverlayParts {
  readonly source: ObjectSource;
  readonly namer: ObjectNamer;
  readonly pending: Pending;
  readonly limits: Pick<RepositoryLimits, 'pathBytes' | 'fileBytes'>;
}

/** A state of files that is edited: a tree, and edits on top of it that touch nothing else. */
export class Overlay {
  /** Sees what is pending here too. */
  readonly source: ObjectSource;

  constructor(
    private readonly parts: OverlayParts,
    /** The tree below; null for none. */
    public base: Oid | null,
    public edits = new Edits(),
  ) {
    this.source = parts.source.behind(parts.pending);
  }

  /** What stands at a path; a directory that the edits alone make is null. */
  async at(path: BytePath): Promise<Entry | null> {
    const edit = this.edits.get(path);
    return edit === undefined ? entryAt(this.parts.source, this.base, path) : edit;
  }

  /** Applies changes, all or none: what is removed first, then what is moved, then what is put. One file that is there is put at once. */
  apply(changes: Changes): void | Promise<void> {
    const several = (changes.remove?.length ?? 0) + (changes.move?.length ?? 0) + (changes.put?.length ?? 0) > 1;
    const only = several ? undefined : changes.put?.[0];
    return only === undefined ? this.applyAll(changes, several) : this.put(only);
  }

  private async applyAll(changes: Changes, several: boolean): Promise<void> {
    const before = several ? this.edits.copy() : null;
    try {
      for (const path of changes.remove ?? []) await this.remove(path);
      for (const { from, to } of changes.move ?? []) await this.move(from, to);
      for (const put of changes.put ?? []) await this.put(put);
    } catch (error) {
      if (before !== null) this.edits = before;
      throw error;
    }
  }

  /** The tree of this state; what is new of it is added to `out`. */
  tree(out: NewObject[]): Oid | Promise<Oid> {
    return editTree(this.parts.source, this.parts.namer, this.base, this.edits, out);
  }

  /** The tree of this state with where it can be read from, though it is stored nowhere. */
  async snapshot(): Promise<{ readonly source: ObjectSource; readonly tree: Oid }> {
    const objects: NewObject[] = [];
    const tree = await this.tree(objects);
    return { tree, source: this.source.behind(new Map(objects.map((object) => [object.oid, object]))) };
  }

  private put({ path, content, mode: wanted }: FilePut): void | Promise<void> {
    const { limits } = this.parts;
    const at = checkedPath(path, limits.pathBytes);
    if (wanted === '120000' && GIT_FILES.test(path))
      throw new KvError('INPUT_INVALID', `'${shown(path)}' can't be a symbolic link`);
    const body = typeof content === 'string' ? utf8(content) : content;
    if (body.length > limits.fileBytes) {
      const message = `'${shown(path)}' has ${body.length} bytes, more than the ${limits.fileBytes} that a file may have`;
      throw new KvError('POLICY_VIOLATION', message, { details: { path: shown(path), limit: limits.fileBytes } });
    }
    const before = this.fileAtHand(at);
    if (before !== undefined) return this.keep(at, before, body, wanted);
    return this.makeRoom(at).then((there) => this.keep(at, there, body, wanted));
  }

  private keep(at: BytePath, before: Entry | null, body: Uint8Array, wanted: FilePut['mode']): void {
    const { namer, pending } = this.parts;
    const blob = namer.object('blob', body);
    const old = this.edits.get(at) ?? before;
    const mode = wanted ?? (old?.mode === MODE_EXEC ? MODE_EXEC : MODE_FILE);
    if (before?.oid !== blob.oid) pending.add(blob);
    this.note(at, before, { mode, oid: blob.oid });
  }

  private async remove(path: string): Promise<void> {
    const at = checkedPath(path, this.parts.limits.pathBytes);
    const gone = await this.filesWithin(at);
    if (gone.length === 0) throw new KvError('NOT_FOUND', `there is no '${shown(path)}'`, { details: { path: shown(path) } });
    for (const [each] of gone) await this.set(each, null);
  }

  private async move(from: string, to: string): Promise<void> {
    const { limits } = this.parts;
    const [source, target] = [checkedPath(from, limits.pathBytes), checkedPath(to, limits.pathBytes)];
    if (source === target) return;
    if (target.startsWith(`${source}/`)) throw new KvError('INPUT_INVALID', `'${shown(from)}' can't be moved into itself`);
    const moved = await this.filesWithin(source);
    if (moved.length === 0) throw new KvError('NOT_FOUND', `there is no '${shown(from)}'`, { details: { path: shown(from) } });
    if ((await this.filesWithin(target)).length > 0)
      throw new KvError('CAS_CONFLICT', `'${shown(to)}' is there already`, { details: { paths: [shown(to)] } });
    for (const [path] of moved) await this.set(path, null);
    for (const [path, entry] of moved) {
      const at = checkedPath(toText(target + path.slice(source.length)), limits.pathBytes);
      this.note(at, await this.makeRoom(at), entry);
    }
  }

  /** Puts an entry, or removes what stands at a path. Throws `INPUT_INVALID` where something is in its way, or like it unless told otherwise. */
  async place(path: BytePath, entry: Entry | null, likeness = true): Promise<void> {
    if (entry === null) await this.set(path, null);
    else this.note(path, await this.makeRoom(path, likeness), entry);
  }

  /** Puts an entry, or removes what stands at a path, without any question; an edit back to what is below is none. */
  async set(path: BytePath, entry: Entry | null): Promise<void> {
    const below = await entryAt(this.parts.source, this.base, path);
    this.note(path, below?.mode === MODE_DIR ? null : below, entry);
  }

  /** The files at a path, or below it where it is a directory. */
  async filesWithin(path: BytePath): Promise<[BytePath, Entry][]> {
    const found = new Map<BytePath, Entry>();
    const below = await entryAt(this.parts.source, this.base, path);
    if (below !== null && below.mode !== MODE_DIR) found.set(path, below);
    if (below?.mode === MODE_DIR)
      for await (const { path: at, mode, oid } of flatten(this.parts.source, below.oid, path)) found.set(at, { mode, oid });
    for (const [at, entry] of this.edits.within(path)) {
      if (entry === null) found.delete(at);
      else found.set(at, entry);
    }
    return [...found];
  }

  private note(path: BytePath, below: Entry | null, entry: Entry | null): void {
    if (sameEntry(below, entry)) this.edits.delete(path);
    else this.edits.set(path, entry);
  }

  /** The file at a path that is edited first, where what leads to it is at hand: nothing can stand in its way then. Else undefined. */
  private fileAtHand(path: BytePath): Entry | undefined {
    if (this.edits.size > 0) return undefined;
    const { source } = this.parts;
    let tree = this.base;
    for (let from = 0; tree !== null; ) {
      const slash = path.indexOf('/', from);
      const object = source.object(tree);
      if (object?.type !== 'tree') return undefined;
      const entry = entryNamed(object.body, source.oidBytes, path.slice(from, slash < 0 ? path.length : slash));
      if (slash < 0) return entry === null || entry.mode === MODE_DIR ? undefined : entry;
      tree = entry?.mode === MODE_DIR ? entry.oid : null;
      from = slash + 1;
    }
    return undefined;
  }

  /**
   * What the tree has at a path where a file is to stand. Throws `INPUT_INVALID` where a file is in its way, or a directory, or a name
   * that differs from one of its own in case or Unicode form only: on some file systems, one of both would be lost.
   */
  private async makeRoom(path: BytePath, withLikeness = true): Promise<Entry | null> {
    const { edits } = this;
    let tree: Oid | null = this.base;
    let entry: Entry | null = null;
    for (let from = 0; from <= path.length; ) {
      const slash = path.indexOf('/', from);
      const end = slash < 0 ? path.length : slash;
      const at = path.slice(0, end);
      const isLast = slash < 0;
      if (tree !== null) {
        const read = this.parts.source.tree(tree);
        const body = read instanceof Promise ? await read : read;
        entry = entryNamed(body, this.parts.source.oidBytes, path.slice(from, end));
        if (entry === null && withLikeness) await this.checkLikeness(body, path.slice(0, from), path.slice(from, end));
      } else entry = null;
      const like = edits.size === 0 || !withLikeness ? null : edits.likened(at);
      if (like !== null) throw likeness(at, like);
      const edit = edits.get(at);
      const here = edit === undefined ? entry : edit;
      if (!isLast && here !== null && here.mode !== MODE_DIR) throw inTheWay(path, at, 'a file');
      if (isLast && (edits.hasBelow(at) || (here?.mode === MODE_DIR && (await this.filesWithin(at)).length > 0)))
        throw inTheWay(path, at, 'a directory');
      tree = entry?.mode === MODE_DIR ? entry.oid : null;
      from = end + 1;
    }
    return entry?.mode === MODE_DIR ? null : entry;
  }

  /** Looks for a name in a directory that some file system takes for another. */
  private async checkLikeness(body: Uint8Array, folder: string, name: BytePath): Promise<void> {
    const wanted = folded(name);
    const isPlain = isAscii(wanted);
    const cursor = new TreeCursor(body, this.parts.source.oidBytes); // no id is decoded
    while (cursor.next()) {
      if (isPlain && !cursor.mayFoldTo(wanted)) continue; // and hardly a name
      const other = cursor.name;
      if (folded(other) !== wanted || other === name) continue;
      const path = folder + other;
      if ((await this.filesWithin(path)).length > 0) throw likeness(folder + name, path);
    }
  }
}

/** Files that git reads by itself, and `git fsck --strict` wants to be files. */
const GIT_FILES = /(?:^|\/)\.git(?:modules|attributes|ignore)$|(?:^|\/)\.mailmap$/i;

function inTheWay(path: BytePath, at: BytePath, what: string): KvError {
  return new KvError('INPUT_INVALID', `'${shown(toText(path))}' can't be a file: '${shown(toText(at))}' is ${what}`, {
    hint: 'remove that first',
    details: { path: shown(toText(path)), inTheWay: shown(toText(at)) },
  });
}

function likeness(path: BytePath, other: BytePath): KvError {
  const message = `'${shown(toText(path))}' differs from '${shown(toText(other))}' in case or Unicode form only`;
  return new KvError('INPUT_INVALID', message, {
    hint: 'use the name that is there',
    details: { path: shown(toText(path)), other: shown(toText(other)) },
  });
}
