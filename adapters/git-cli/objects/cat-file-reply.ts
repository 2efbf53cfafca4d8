import { KvError } from '../../../ports/error.js';
import type { GitObject, ObjectHeader, ObjectType, Oid } from '../../../ports/vocabulary.js';

/** Builds what a caller gets; `body` is null for `--batch-check`. */
export interface MakeReply<T> {
  readonly withBody: boolean;
  make(oid: Oid, type: ObjectType, size: number, body: Uint8Array): T;
}

/** The reply of `cat-file --batch`: an object with its body. */
export const OBJECT_REPLY: MakeReply<GitObject> = { withBody: true, make: (oid, type, _size, body) => ({ oid, type, body }) };
/** The reply of `cat-file --batch-check`: an object's type and size in bytes. */
export const HEADER_REPLY: MakeReply<ObjectHeader> = { withBody: false, make: (oid, type, size) => ({ oid, type, size }) };

const NONE = Buffer.alloc(0);
const LF = 10;
const SPACE = 0x20;
/** The types by their first two letters, as two bytes make a number. */
const TYPES = new Map<number, ObjectType>(
  (['blob', 'tree', 'commit', 'tag'] as const).map((type) => [type.charCodeAt(0) * 256 + type.charCodeAt(1), type]),
);
const FOUND = /^([0-9a-f]{40,64}) (blob|tree|commit|tag) (\d+)$/;
// A body that spans chunks is collected in a buffer of its own above this size; below, the chunks are joined.
const LARGE = 32 * 1024;

/** Cuts git cat-file's output into replies. Bodies are views into what was read: no copy for those that came in one piece. */
export class ReplyParser<T> {
  private rest: Buffer = NONE;
  private large: { oid: Oid; type: ObjectType; bytes: Buffer; filled: number } | null = null;

  constructor(
    private readonly reply: MakeReply<T>,
    private readonly emit: (reply: T | null) => void,
    /** Sees each object before its body is taken in, perhaps more than once; what it throws, `push` throws. */
    private readonly announced: (oid: Oid, type: ObjectType, size: number) => void = () => undefined,
    /** What the next reply answers. Where that is an id, the reply begins with it, and the object has that very string. */
    private readonly asked: () => string = () => '',
  ) {}

  push(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    this.rest = NONE;
    let at = this.large === null ? 0 : this.fill(bytes, 0);
    while (at < bytes.length) {
      const next = this.one(bytes, at);
      if (next < 0) break;
      at = next;
    }
    if (at < bytes.length) this.rest = bytes.subarray(at);
  }

  /** Takes one reply; gives where the next starts, or -1 when more bytes are needed. */
  private one(bytes: Buffer, at: number): number {
    const asked = this.asked();
    const typeAt = at + asked.length + 1;
    if (asked !== '' && spells(bytes, at, asked) && bytes[typeAt - 1] === SPACE) {
      const type = TYPES.get((bytes[typeAt] as number) * 256 + (bytes[typeAt + 1] as number));
      const sizeAt = typeAt + (type?.length ?? 0) + 1;
      if (type !== undefined && spells(bytes, typeAt, type) && bytes[sizeAt - 1] === SPACE) {
        const eol = endOfNumber(bytes, sizeAt);
        if (bytes[eol] === LF && eol > sizeAt) return this.found(bytes, eol, asked, type, numberAt(bytes, sizeAt, eol));
      }
    }
    const eol = bytes.indexOf(LF, at);
    return eol < 0 ? -1 : this.line(bytes, at, eol);
  }

  /** The same by the whole first line: a reply to a path, one that says that nothing is there, or an odd one. */
  private line(bytes: Buffer, at: number, eol: number): number {
    const line = bytes.toString('latin1', at, eol);
    const match = FOUND.exec(line);
    if (match === null) {
      if (!/ (missing|submodule)$/.test(line)) throw new KvError('GIT_ERROR', `git cat-file answered '${line}'`);
      this.emit(null);
      return eol + 1;
    }
    const [, oid, type, digits] = match as unknown as [string, Oid, ObjectType, string];
    return this.found(bytes, eol, oid, type, Number(digits));
  }

  private found(bytes: Buffer, eol: number, oid: Oid, type: ObjectType, size: number): number {
    if (!this.reply.withBody) {
      this.emit(this.reply.make(oid, type, size, NONE));
      return eol + 1;
    }
    this.announced(oid, type, size);
    const end = eol + 1 + size;
    if (end < bytes.length) {
      this.emit(this.reply.make(oid, type, size, bytes.subarray(eol + 1, end)));
      return end + 1;
    }
    if (size < LARGE) return -1;
    this.large = { oid, type, bytes: Buffer.allocUnsafeSlow(size + 1), filled: 0 };
    return this.fill(bytes, eol + 1);
  }

  private fill(bytes: Buffer, at: number): number {
    const large = this.large;
    if (large === null) return at;
    const took = bytes.copy(large.bytes, large.filled, at);
    large.filled += took;
    if (large.filled === large.bytes.length) {
      this.large = null;
      const size = large.bytes.length - 1;
      this.emit(this.reply.make(large.oid, large.type, size, large.bytes.subarray(0, size)));
    }
    return at + took;
  }
}

/** Whether the ASCII `text` stands in `bytes` at `at`. */
function spells(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

const [ZERO, NINE] = [0x30, 0x39];

/** Where the digits that begin at `at` end. */
function endOfNumber(bytes: Uint8Array, at: number): number {
  let end = at;
  while ((bytes[end] ?? 0) >= ZERO && (bytes[end] as number) <= NINE) end++;
  return end;
}

function numberAt(bytes: Uint8Array, at: number, end: number): number {
  let number = 0;
  for (let i = at; i < end; i++) number = number * 10 + ((bytes[i] as number) - ZERO);
  return number;
}
