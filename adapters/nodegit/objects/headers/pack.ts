import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { KvError } from '../../../../ports/error.js';
import type { ObjectType, Oid } from '../../../../ports/vocabulary.js';
import { inflateStart, type ObjectHead, sizeAt } from './object-head.js';

/** The layout of an index of version 2 (gitformat-pack). Bytes. */
const FANOUT_AT = 8;
const IDS_AT = FANOUT_AT + 256 * 4;
const ID = 20;
const MAGIC = 0xff744f63;

const TYPES: Readonly<Record<number, ObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
const OFFSET_DELTA = 6;
const ID_DELTA = 7;
/** What an entry says before its body, and the beginning of a delta, take less. Bytes. */
const ENOUGH = 128;
/** Bytes in front of a pack's first entry. */
const PACK_HEADER = 12;
/** Git makes no longer chain of deltas (pack.depth); one that goes in a circle has no end. */
const LONGEST_CHAIN = 4096;

/**
 * What a pack says of its objects without their bodies. Read at once and in small pieces, which the system's cache answers in some
 * microseconds: asking for it asynchronously takes longer.
 */
export class Pack {
  private index: { readonly file: number; readonly fanout: Buffer } | null = null;
  private pack: number | null = null;

  /** `path` without `.idx` and `.pack`. Nothing is opened yet. */
  constructor(private readonly path: string) {}

  /** Null for an object that isn't in this pack. Throws `GIT_ERROR` where the pack is damaged, Node's error when it is gone. */
  head(oid: Oid): ObjectHead | null {
    const offset = this.offsetOf(Buffer.from(oid, 'hex'));
    return offset === null ? null : this.headAt(offset);
  }

  close(): void {
    if (this.index !== null) closeSync(this.index.file);
    if (this.pack !== null) closeSync(this.pack);
    this.index = null;
    this.pack = null;
  }

  private headAt(first: number): ObjectHead {
    let size: number | null = null;
    for (let [offset, step] = [first, 0]; step < LONGEST_CHAIN; step++) {
      const bytes = this.packed(offset);
      const start = bytes[0] ?? 0;
      const kind = (start >> 4) & 7;
      const rest = (start & 0x80) === 0 ? { value: 0, end: 1 } : sizeAt(bytes, 1);
      const type = TYPES[kind];
      size ??= type === undefined ? null : (start & 15) + rest.value * 16;
      if (type !== undefined && size !== null) return { type, size };
      if (kind !== OFFSET_DELTA && kind !== ID_DELTA) throw this.damaged(`an entry of type ${kind}`);
      const base = kind === OFFSET_DELTA ? backAt(bytes, rest.end) : { value: 0, end: rest.end + ID };
      size ??= deltaSize(bytes.subarray(base.end));
      const next = kind === OFFSET_DELTA ? offset - base.value : this.offsetOf(bytes.subarray(rest.end, base.end));
      if (next === null || next < PACK_HEADER) throw this.damaged('a delta without its base');
      offset = next;
    }
    throw this.damaged('its deltas have no end');
  }

  private offsetOf(id: Buffer): number | null {
    const { file, fanout } = this.openedIndex();
    const byte = id[0] as number; // an id has twenty bytes
    const from = byte === 0 ? 0 : fanout.readUInt32BE((byte - 1) * 4);
    const until = fanout.readUInt32BE(byte * 4);
    const count = fanout.readUInt32BE(255 * 4);
    if (until < from || until > count) throw this.damaged('its index');
    const ids = read(file, IDS_AT + from * ID, (until - from) * ID);
    let [low, high] = [0, until - from];
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = id.compare(ids, middle * ID, (middle + 1) * ID);
      if (order === 0) return this.offsetAt(file, from + middle, count);
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    return null;
  }

  private offsetAt(index: number, place: number, count: number): number {
    const offsetsAt = IDS_AT + count * (ID + 4);
    const small = read(index, offsetsAt + place * 4, 4).readUInt32BE();
    if (small < 0x80000000) return small;
    return Number(read(index, offsetsAt + count * 4 + (small - 0x80000000) * 8, 8).readBigUInt64BE());
  }

  private packed(offset: number): Buffer {
    const bytes = Buffer.alloc(ENOUGH);
    this.pack ??= openSync(`${this.path}.pack`, 'r');
    return bytes.subarray(0, readSync(this.pack, bytes, 0, ENOUGH, offset));
  }

  private openedIndex(): { readonly file: number; readonly fanout: Buffer } {
    if (this.index !== null) return this.index;
    const file = openSync(`${this.path}.idx`, 'r');
    try {
      const fanout = read(file, FANOUT_AT, 256 * 4);
      // What the index says of its length is believed no further than its file goes.
      const least = IDS_AT + fanout.readUInt32BE(255 * 4) * (ID + 4 + 4);
      if (read(file, 0, 8).readUInt32BE() !== MAGIC || fstatSync(file).size < least) throw this.damaged('its index');
      this.index = { file, fanout };
      return this.index;
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  private damaged(what: string): KvError {
    return new KvError('GIT_ERROR', `pack ${this.path}.pack is damaged: ${what}`, {
      hint: 'check the repository with `git fsck`',
    });
  }
}

function read(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const got = readSync(file, bytes, 0, length, at);
  if (got === length) return bytes;
  throw new KvError('GIT_ERROR', 'the index of a pack is cut short', { hint: 'check the repository with `git fsck`' });
}

/** How far before an entry its base begins (gitformat-pack, offset encoding), and where that number ends. */
function backAt(bytes: Uint8Array, from: number): { readonly value: number; readonly end: number } {
  let at = from;
  let byte = bytes[at++] ?? 0;
  let value = byte & 0x7f;
  while ((byte & 0x80) !== 0 && at < bytes.length) {
    byte = bytes[at++] ?? 0;
    value = (value + 1) * 128 + (byte & 0x7f);
  }
  return { value, end: at };
}

/** The size that a delta makes, which stands behind that of its base. */
function deltaSize(stream: Uint8Array): number {
  const delta = inflateStart(stream);
  return sizeAt(delta, sizeAt(delta, 0).end).value;
}
