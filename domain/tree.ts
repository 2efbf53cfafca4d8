import { KvError } from '../ports/error.js';
import type { Oid } from '../ports/vocabulary.js';
import { toHex, writeAscii, writeHex } from './bytes.js';

/**
 * Git's tree objects, read and written as raw bytes: `<mode> <name>\0<oid>`, sorted by name, a directory sorting
 * as though its name ended in a slash. Writing the trees is what a transaction spends its time on, so an edit
 * copies the runs of bytes that it doesn't touch.
 */

export const MODE_DIR = '40000';
export const MODE_FILE = '100644';
export const MODE_EXEC = '100755';

export interface TreeEntry {
  readonly mode: string;
  readonly name: string;
  readonly oid: Oid;
}

/** Walks a tree's entries in place. `name` is decoded byte by byte: the names of a ledger and an index are ASCII. */
export class TreeCursor {
  mode = '';
  name = '';
  isDir = false;
  /** The entry's bytes are `body[start, end)`, its id's begin at `oidAt`. */
  start = 0;
  end = 0;
  private oidAt = 0;

  constructor(
    readonly body: Uint8Array,
    private readonly oidBytes: number,
  ) {}

  /** Moves to the next entry; false at the end. Throws `GIT_ERROR` on a malformed tree. */
  next(): boolean {
    const { body } = this;
    let at = this.end;
    if (at >= body.length) return false;
    this.start = at;
    let mode = '';
    while (at < body.length && body[at] !== 0x20) mode += String.fromCharCode(body[at++] as number);
    at++;
    let name = '';
    while (at < body.length && body[at] !== 0) name += String.fromCharCode(body[at++] as number);
    this.oidAt = at + 1;
    this.end = this.oidAt + this.oidBytes;
    if (this.end > body.length || name === '') throw new KvError('GIT_ERROR', 'malformed tree object');
    this.mode = mode;
    this.name = name;
    this.isDir = mode === MODE_DIR;
    return true;
  }

  /** The current entry's id. */
  oid(): Oid {
    return toHex(this.body, this.oidAt, this.end);
  }

  /** The name as Git sorts it. */
  sortKey(): string {
    return this.isDir ? `${this.name}/` : this.name;
  }
}

/** The entries of a tree, in order. `oidBytes` is 20 or 32. */
export function readTree(body: Uint8Array, oidBytes: number): TreeEntry[] {
  const cursor = new TreeCursor(body, oidBytes);
  const out: TreeEntry[] = [];
  while (cursor.next()) out.push({ mode: cursor.mode, name: cursor.name, oid: cursor.oid() });
  return out;
}

/** The entry of that name, or undefined. */
export function findEntry(body: Uint8Array, oidBytes: number, name: string): TreeEntry | undefined {
  const cursor = new TreeCursor(body, oidBytes);
  while (cursor.next()) if (cursor.name === name) return { mode: cursor.mode, name, oid: cursor.oid() };
  return undefined;
}

/** One entry's bytes. */
export function encodeEntry(mode: string, name: string, oid: Oid): Uint8Array {
  const out = new Uint8Array(mode.length + name.length + 2 + oid.length / 2);
  let at = writeAscii(mode, out, 0);
  out[at++] = 0x20;
  at = writeAscii(name, out, at);
  out[at++] = 0;
  writeHex(oid, out, at);
  return out;
}
