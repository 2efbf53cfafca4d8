import { MODE_FILE, oidBytesIn } from '../../git/tree/tree.js';
import type { PointerFile } from '../../index/update.js';
import { digestOf } from '../../ledger/paths.js';
import { fromUrlsafe } from '../../ledger/value/key.js';
import { KeyTable } from '../../ledger/value/key-table.js';
import type { ObjectNamer } from '../../git/object.js';
import { encodePointer, type Pointer, pointerMode } from '../../ledger/value/pointer.js';

// What is known of a key's pointer, in a mark: its mode, or nothing.
const UNKNOWN = 0;
const FILE = 1;
const EXEC = 2;
const SEEN = 4;

/** The live keys of a ledger and the pointers that they must have: the files' modes and ids, in about 55 bytes a key. */
export class LivePointers {
  private readonly table: KeyTable;
  private seen = 0;

  constructor(private readonly namer: ObjectNamer) {
    this.table = new KeyTable(namer.hasher, oidBytesIn(namer.format));
  }

  /** A live key; `pointer` null: what the index must say of it is not known. `digest` is the key's, where that is known. */
  add(key: string, pointer: Pointer | null, digest = digestOf(key, this.namer.hasher)): void {
    if (pointer === null) this.table.putDigest(digest, null, UNKNOWN);
    else {
      const mark = pointerMode(pointer) === MODE_FILE ? FILE : EXEC;
      this.table.putDigest(digest, this.namer.oid('blob', encodePointer(pointer)), mark);
    }
  }

  /** Holds a pointer that an index has against the key's: null when there is no such key alive, else whether it is the one. */
  meet(urlsafe: string, { mode, oid }: PointerFile): boolean | null {
    const { table } = this;
    const record = this.find(fromUrlsafe(urlsafe));
    if (record < 0) return null;
    const mark = table.mark(record);
    if ((mark & SEEN) === 0) this.seen++;
    table.setMark(record, mark | SEEN);
    const known = mark & ~SEEN;
    return known === UNKNOWN || (table.hasOid(record, oid) && (known === FILE) === (mode === MODE_FILE));
  }

  /** Whether every key was met. */
  get allMet(): boolean {
    return this.seen === this.table.size;
  }

  /** Whether a key was met. */
  met(key: string): boolean {
    const record = this.find(key);
    return record >= 0 && (this.table.mark(record) & SEEN) !== 0;
  }

  private find(key: string | undefined): number {
    return key === undefined ? -1 : this.table.findDigest(digestOf(key, this.namer.hasher));
  }
}
