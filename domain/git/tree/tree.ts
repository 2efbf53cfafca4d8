import { KvError } from '../../../ports/error.js';
import { type ObjectFormat, OID_HEX_LENGTH, type Oid } from '../../../ports/vocabulary.js';
import { fromAscii, toHex, writeAscii, writeHex } from '../bytes.js';

/**
 * Git's tree objects, read and written as raw bytes: `<mode> <name>\0<oid>`, sorted by name, a directory sorting
 * as though its name ended in a slash. Writing the trees is what a transaction spends its time on, so an edit
 * copies the runs of bytes that it doesn't touch.
 */

/** The mode of a directory in a tree. */
export const MODE_DIR = '40000';
/** The mode of a plain file in a tree. */
export const MODE_FILE = '100644';
/** The mode of an executable file, by which the index marks a pointer that a listing must open. */
export const MODE_EXEC = '100755';

const SLASH = 0x2f;
/** What is longer is no mode. */
const LONGEST_MODE = 12;

/** How many bytes an id takes in a tree object. */
export const oidBytesIn = (format: ObjectFormat): number => OID_HEX_LENGTH[format] / 2;

/** One entry of a tree, its mode in octal as Git writes it. */
export interface TreeEntry {
  readonly mode: string;
  readonly name: string;
  readonly oid: Oid;
}

/** Walks a tree's entries in place; what of an entry isn't asked for is not decoded. */
export class TreeCursor {
  isDir = false;
  /** The entry's bytes are `body[start, end)`. */
  start = 0;
  end = 0;
  private nameAt = 0;
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
    at = find(body, 0x20, at);
    this.nameAt = ++at;
    at = find(body, 0, at);
    this.oidAt = at + 1;
    this.end = this.oidAt + this.oidBytes;
    const odd = at === this.nameAt || this.nameAt - this.start > LONGEST_MODE;
    if (odd || this.end > body.length) throw new KvError('GIT_ERROR', 'malformed tree object');
    this.isDir = spells(body, this.start, this.nameAt - 1, MODE_DIR);
    return true;
  }

  get mode(): string {
    const { body, start, nameAt } = this;
    if (this.isDir) return MODE_DIR;
    if (spells(body, start, nameAt - 1, MODE_FILE)) return MODE_FILE;
    return spells(body, start, nameAt - 1, MODE_EXEC) ? MODE_EXEC : fromAscii(body, start, nameAt - 1);
  }

  /** Byte by byte: the names of a ledger and an index are ASCII. */
  get name(): string {
    return fromAscii(this.body, this.nameAt, this.oidAt - 1);
  }

  /** How long the name is, bytes. */
  get nameBytes(): number {
    return this.oidAt - 1 - this.nameAt;
  }

  /** How the name begins, at most so many bytes. */
  nameStart(bytes: number): string {
    return fromAscii(this.body, this.nameAt, Math.min(this.nameAt + bytes, this.oidAt - 1));
  }

  /** The current entry's id. */
  oid(): Oid {
    return toHex(this.body, this.oidAt, this.end);
  }

  /** The name as Git sorts it. */
  sortKey(): string {
    return this.isDir ? `${this.name}/` : this.name;
  }

  /** Negative, 0 or positive as `sortKey()` comes before, is, or comes after `key`. */
  compareTo(key: string): number {
    const { body, nameAt, oidAt } = this;
    const length = oidAt - 1 - nameAt + (this.isDir ? 1 : 0);
    for (let i = 0; i < length && i < key.length; i++) {
      const byte = nameAt + i === oidAt - 1 ? SLASH : (body[nameAt + i] as number);
      const difference = byte - key.charCodeAt(i);
      if (difference !== 0) return difference;
    }
    return length - key.length;
  }

  /** Passes all entries that follow in both trees and are the same, without a look into them; both have to be behind an entry. */
  skipAlike(other: TreeCursor): void {
    const { body, end } = this;
    const offset = other.end - end;
    const most = end + Math.min(body.length - end, other.body.length - other.end);
    let alike = end;
    while (alike < most && body[alike] === other.body[alike + offset]) alike++;
    // Both end here: the last entries are whole.
    if (alike === body.length && alike + offset === other.body.length) this.end = alike;
    else
      for (let at = end; at <= alike; at = find(body, 0, find(body, 0x20, at)) + 1 + this.oidBytes) {
        this.end = at;
        if (at >= body.length) break;
      }
    other.end = this.end + offset;
  }

  /**
   * Whether the name can be `lower`, an ASCII text in small letters, to a file system that tells neither case nor Unicode forms apart.
   * False is sure; true is for whoever decodes the name to say. An ASCII letter stays one, or becomes part of what is none.
   */
  mayFoldTo(lower: string): boolean {
    const { body, nameAt } = this;
    const length = this.nameBytes;
    for (let i = 0; i < length; i++) {
      const byte = body[nameAt + i] as number;
      if (byte >= 0x80) return true;
      if ((byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte) !== lower.charCodeAt(i)) return false;
    }
    return length === lower.length;
  }

  /** True when the other tree's entry has the same mode, name and id. */
  sameAs(other: TreeCursor): boolean {
    const length = this.end - this.start;
    if (length !== other.end - other.start) return false;
    for (let i = 0; i < length; i++) if (this.body[this.start + i] !== other.body[other.start + i]) return false;
    return true;
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

/** Bytes that `writeEntry` takes. */
export function entrySize(mode: string, name: string, oid: Oid): number {
  return mode.length + name.length + 2 + oid.length / 2;
}

/** Writes one entry into `out` at `at`; gives the offset behind it. */
export function writeEntry(mode: string, name: string, oid: Oid, out: Uint8Array, at: number): number {
  at = writeAscii(mode, out, at);
  out[at++] = 0x20;
  at = writeAscii(name, out, at);
  out[at++] = 0;
  return writeHex(oid, out, at);
}

/** What is longer than any name of ours is looked through by the engine, which takes a call and then no time. */
const FAR = 128;

/** Where a byte is next; the length when it isn't. */
function find(bytes: Uint8Array, byte: number, from: number): number {
  const near = Math.min(bytes.length, from + FAR);
  for (let at = from; at < near; at++) if (bytes[at] === byte) return at;
  if (near >= bytes.length) return bytes.length;
  const far = bytes.indexOf(byte, near);
  return far < 0 ? bytes.length : far;
}

function spells(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}
