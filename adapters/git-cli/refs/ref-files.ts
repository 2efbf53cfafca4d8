import { lstatSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { ObjectFormat, Oid, RefName } from '../../../ports/vocabulary.js';
import { OID_HEX_LENGTH } from '../../../ports/vocabulary.js';
import { checkRef } from '../process/guard.js';

/** More names than this are better asked of git in one process. */
const FEW = 64;
/** A larger `packed-refs` is git's to search. Bytes. */
const MOST_PACKED = 1024 * 1024;
/** A file may change twice within what its time can tell: one that is younger is read again. Milliseconds. */
const RACY_MS = 2000;
/** Of these, each work tree has its own. */
const OWN = /^refs\/(?:bisect|worktree|rewritten)\//;

/** So many names are remembered with what their files said. */
const MOST_KNOWN = 1024;

/** What tells whether a file is still the one that was read. */
type Stamp = Pick<Stats, 'ino' | 'size' | 'mtimeMs' | 'ctimeMs'>;

interface Packed {
  readonly stamp: Stamp;
  readonly refs: ReadonlyMap<RefName, Oid>;
}

/** A name that was checked, with its file and what that has said. */
interface Known {
  readonly path: string;
  said: { readonly stamp: Stamp; readonly oid: Oid } | null;
}

/**
 * Refs by their names, read from the files in which git keeps them (gitrepository-layout(5), git-pack-refs(1)): a process for that costs a
 * hundred times as much. Null where only git knows: another ref backend, symbolic refs, a file that changes meanwhile. Read at once, and not
 * in the background: starting a process would hold this one up for longer.
 */
export class RefFiles {
  private packed: Packed | null = null;
  private readonly known = new Map<RefName, Known>();
  private readonly packedPath: string;
  private readonly tables: string;

  constructor(
    private readonly commonDir: string,
    private readonly format: ObjectFormat,
  ) {
    this.packedPath = join(commonDir, 'packed-refs');
    this.tables = join(commonDir, 'reftable');
  }

  /** The refs of these names that there are; null: ask git. Throws `INPUT_INVALID` for what is no ref's name. */
  read(names: readonly RefName[]): Map<RefName, Oid> | null {
    if (names.length > FEW || names.some((name) => name.endsWith('/') || OWN.test(name))) return null;
    const files = names.map((name) => this.knownAs(name));
    try {
      return this.look(names, files);
    } catch {
      return null; // taken away or replaced between two looks, or not to be read: git has its ways, and the words
    }
  }

  private look(names: readonly RefName[], files: readonly Known[]): Map<RefName, Oid> | null {
    if (stat(this.tables) !== undefined) return null;
    const found = new Map<RefName, Oid>();
    const unseen: RefName[] = [];
    for (const [i, name] of names.entries()) {
      const oid = this.loose(files[i] as Known);
      if (oid === null) return null;
      if (oid === undefined) unseen.push(name);
      else found.set(name, oid);
    }
    if (unseen.length === 0) return found;
    // A ref is packed before its own file goes: whoever looks here last misses none.
    const packed = this.packedRefs();
    if (packed === null) return null;
    for (const name of unseen) {
      const oid = packed.get(name);
      if (oid !== undefined) found.set(name, oid);
    }
    return found;
  }

  /** What a ref's own file says; undefined: there is none, null: only git knows. */
  private loose(known: Known): Oid | null | undefined {
    const file = stat(known.path);
    if (file === undefined || file.isDirectory()) return undefined;
    if (!file.isFile()) return null;
    if (known.said !== null && isSame(known.said.stamp, file)) return known.said.oid;
    const oid = this.oidIn(readFileSync(known.path, 'latin1'));
    known.said = oid !== null && isSettled(file) ? { stamp: file, oid } : null;
    return oid;
  }

  private packedRefs(): ReadonlyMap<RefName, Oid> | null {
    const file = stat(this.packedPath);
    if (file === undefined) return new Map();
    if (!file.isFile() || file.size > MOST_PACKED) return null;
    if (this.packed !== null && isSame(this.packed.stamp, file)) return this.packed.refs;
    const refs = new Map<RefName, Oid>();
    for (const line of readFileSync(this.packedPath, 'utf8').split('\n')) {
      if (line === '' || line.startsWith('#') || line.startsWith('^')) continue;
      const space = line.indexOf(' ');
      const oid = this.oidIn(line.slice(0, space));
      if (oid === null) return null;
      refs.set(line.slice(space + 1), oid);
    }
    this.packed = isSettled(file) ? { stamp: file, refs } : null;
    return refs;
  }

  private knownAs(name: RefName): Known {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    if (this.known.size >= MOST_KNOWN) this.known.clear();
    const made: Known = { path: join(this.commonDir, checkRef(name)), said: null };
    this.known.set(name, made);
    return made;
  }

  private oidIn(text: string): Oid | null {
    const oid = text.endsWith('\n') ? text.slice(0, -1) : text;
    return oid.length === OID_HEX_LENGTH[this.format] && /^[0-9a-f]+$/.test(oid) ? oid : null;
  }
}

const WHERE_THERE = { throwIfNoEntry: false } as const;

const stat = (path: string): Stats | undefined => lstatSync(path, WHERE_THERE);

const isSame = (a: Stamp, b: Stamp): boolean =>
  a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;

/** What is read of it now will be told from what is written to it later. */
const isSettled = (file: Stamp): boolean => Date.now() - Math.max(file.mtimeMs, file.ctimeMs) > RACY_MS;
