import { type BigIntStats, lstatSync, readFileSync } from 'node:fs';
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

interface Packed {
  readonly stamp: string;
  readonly refs: ReadonlyMap<RefName, Oid>;
}

/**
 * Refs by their names, read from the files in which git keeps them (gitrepository-layout(5), git-pack-refs(1)): a process for that costs a
 * hundred times as much. Null where only git knows: another ref backend, symbolic refs, a file that changes meanwhile. Read at once, and not
 * in the background: starting a process would hold this one up for longer.
 */
export class RefFiles {
  private packed: Packed | null = null;

  constructor(
    private readonly commonDir: string,
    private readonly format: ObjectFormat,
  ) {}

  /** The refs of these names that there are; null: ask git. Throws `INPUT_INVALID` for what is no ref's name. */
  read(names: readonly RefName[]): Map<RefName, Oid> | null {
    if (names.length > FEW || names.some((name) => name.endsWith('/') || OWN.test(name))) return null;
    for (const name of names) checkRef(name);
    try {
      return this.look(names);
    } catch {
      return null; // taken away or replaced between two looks, or not to be read: git has its ways, and the words
    }
  }

  private look(names: readonly RefName[]): Map<RefName, Oid> | null {
    if (stat(join(this.commonDir, 'reftable')) !== undefined) return null;
    const found = new Map<RefName, Oid>();
    const unseen: RefName[] = [];
    for (const name of names) {
      const path = join(this.commonDir, name);
      const file = stat(path);
      if (file === undefined || file.isDirectory()) {
        unseen.push(name);
        continue;
      }
      const oid = file.isFile() ? this.oidIn(readFileSync(path, 'latin1')) : null;
      if (oid === null) return null;
      found.set(name, oid);
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

  private packedRefs(): ReadonlyMap<RefName, Oid> | null {
    const path = join(this.commonDir, 'packed-refs');
    const file = stat(path);
    if (file === undefined) return new Map();
    if (!file.isFile() || file.size > MOST_PACKED) return null;
    const stamp = stampOf(file);
    if (this.packed?.stamp === stamp) return this.packed.refs;
    const refs = new Map<RefName, Oid>();
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      if (line === '' || line.startsWith('#') || line.startsWith('^')) continue;
      const space = line.indexOf(' ');
      const oid = this.oidIn(line.slice(0, space));
      if (oid === null) return null;
      refs.set(line.slice(space + 1), oid);
    }
    const settled = Date.now() - Number(file.mtimeMs) > RACY_MS;
    this.packed = settled ? { stamp, refs } : null;
    return refs;
  }

  private oidIn(text: string): Oid | null {
    const oid = text.endsWith('\n') ? text.slice(0, -1) : text;
    return oid.length === OID_HEX_LENGTH[this.format] && /^[0-9a-f]+$/.test(oid) ? oid : null;
  }
}

const stat = (path: string): BigIntStats | undefined => lstatSync(path, { bigint: true, throwIfNoEntry: false });

const stampOf = ({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string => `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
