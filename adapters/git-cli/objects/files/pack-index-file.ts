import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { OID_HEX_LENGTH, type ObjectFormat } from '../../../../ports/vocabulary.js';

/** The layout of an index of version 2 (gitformat-pack). Bytes. */
const FANOUT_AT = 8;
const IDS_AT = FANOUT_AT + 256 * 4;
const MAGIC = 0xff744f63;
const VERSION = 2;
const LARGE_OFFSET = 0x80000000;
/** Ids that are read at once: fewer reads than halving to the last, and no large ones. */
const AT_ONCE = 128;

/** From so many lookups on, the whole index is held, unless it is large. Bytes. */
const MANY = 256;
const LARGE = 16 * 1024 * 1024;

/**
 * A pack's index on the disk, of which no more than the fan-out is held at first: a lookup reads some ids in the middle, and then a block
 * of them, which the system's cache answers in microseconds.
 */
export class PackIndexFile {
  private readonly file: number;
  private readonly fanout = new Uint32Array(256);
  private readonly count: number;
  private readonly width: number;
  private readonly block: Buffer;
  private readonly size: number;
  private lookups = 0;
  private whole: Buffer | null = null;

  /** Throws where it can't be read, is damaged, or is of another version. */
  constructor(path: string, format: ObjectFormat) {
    this.width = OID_HEX_LENGTH[format] / 2;
    this.block = Buffer.allocUnsafeSlow(AT_ONCE * this.width);
    this.file = openSync(path, 'r');
    try {
      const head = Buffer.alloc(IDS_AT);
      if (readSync(this.file, head, 0, IDS_AT, 0) !== IDS_AT) throw new RangeError('cut short');
      if (head.readUInt32BE(0) !== MAGIC || head.readUInt32BE(4) !== VERSION) throw new RangeError('another version');
      for (let byte = 0; byte < 256; byte++) this.fanout[byte] = head.readUInt32BE(FANOUT_AT + 4 * byte);
      this.count = this.fanout[255] as number;
      const least = IDS_AT + this.count * (this.width + 4 + 4) + 2 * this.width;
      this.size = fstatSync(this.file).size;
      if (this.size < least || this.fanout.some((until, i) => i > 0 && until < (this.fanout[i - 1] as number))) {
        throw new RangeError('not what it says');
      }
    } catch (error) {
      closeSync(this.file);
      throw error;
    }
  }

  /** Where the pack has an object, bytes from its beginning; null where it has none. */
  offsetOf(id: Buffer): number | null {
    if (++this.lookups === MANY && this.size <= LARGE) this.whole = this.all();
    const byte = id[0] as number; // an id is never empty
    let [low, high] = [byte === 0 ? 0 : (this.fanout[byte - 1] as number), this.fanout[byte] as number];
    while (high - low > AT_ONCE) {
      const middle = (low + high) >>> 1;
      const order = id.compare(this.ids(middle, 1));
      if (order === 0) return this.offsetAt(middle);
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    const ids = this.ids(low, high - low);
    for (let [from, until] = [0, high - low]; from < until; ) {
      const middle = (from + until) >>> 1;
      const order = id.compare(ids, middle * this.width, (middle + 1) * this.width);
      if (order === 0) return this.offsetAt(low + middle);
      if (order < 0) until = middle;
      else from = middle + 1;
    }
    return null;
  }

  close(): void {
    closeSync(this.file);
  }

  private ids(place: number, count: number): Buffer {
    return this.read(IDS_AT + place * this.width, count * this.width);
  }

  private offsetAt(place: number): number {
    const offsetsAt = IDS_AT + this.count * (this.width + 4);
    const small = this.read(offsetsAt + 4 * place, 4).readUInt32BE();
    if (small < LARGE_OFFSET) return small;
    return Number(this.read(offsetsAt + 4 * this.count + 8 * (small - LARGE_OFFSET), 8).readBigUInt64BE());
  }

  private all(): Buffer {
    const whole = Buffer.allocUnsafeSlow(this.size);
    if (readSync(this.file, whole, 0, this.size, 0) !== this.size) throw new RangeError('an index is cut short');
    return whole;
  }

  /** The bytes are overwritten by the next read. */
  private read(at: number, length: number): Buffer {
    if (this.whole !== null) return this.whole.subarray(at, at + length);
    if (readSync(this.file, this.block, 0, length, at) !== length) throw new RangeError('an index is cut short');
    return this.block.subarray(0, length);
  }
}
