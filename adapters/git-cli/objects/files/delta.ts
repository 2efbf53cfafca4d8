/**
 * The object that a delta makes of its base (gitformat-pack, "Deltified representation"); null for one of more than `most` bytes. Throws
 * `RangeError` for a damaged one.
 */
export function applyDelta(base: Buffer, delta: Buffer, most: number): Buffer | null {
  const reader = new Reader(delta);
  if (reader.size() !== base.length) throw new RangeError('a delta of another base');
  const size = reader.size();
  if (size > most) return null;
  const out = Buffer.allocUnsafeSlow(size);
  let to = 0;
  while (!reader.atEnd) {
    const code = reader.byte();
    const isCopy = code >= 0x80;
    const from = isCopy ? reader.bits(code, 4) : reader.at;
    const length = isCopy ? reader.bits(code >> 4, 3) || 0x10_000 : code;
    const source = isCopy ? base : delta;
    if (length === 0 || from + length > source.length || to + length > out.length)
      throw new RangeError('a delta goes beyond an end');
    source.copy(out, to, from, from + length);
    if (!isCopy) reader.at += length;
    to += length;
  }
  if (to !== out.length) throw new RangeError('a delta makes less than it says');
  return out;
}

/** Numbers as packs have them. */
export class Reader {
  constructor(
    private readonly bytes: Buffer,
    public at = 0,
  ) {}

  get atEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new RangeError('cut short');
    return byte;
  }

  /** 7 bits a byte, the least significant first, on top of what is known of it. */
  size(known = 0, unit = 1): number {
    let [value, scale] = [known, unit];
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
      if (scale > Number.MAX_SAFE_INTEGER) throw new RangeError('a size that is none');
    }
  }

  /** How far back a base is: 7 bits a byte, the most significant first, each further byte counted from one more. */
  distance(): number {
    let byte = this.byte();
    let value = byte & 0x7f;
    while (byte >= 0x80) {
      byte = this.byte();
      value = (value + 1) * 128 + (byte & 0x7f);
    }
    return value;
  }

  /** A number of which only those bytes are there that have a bit set. */
  bits(set: number, most: number): number {
    let value = 0;
    for (let i = 0; i < most; i++) if ((set & (1 << i)) !== 0) value += this.byte() * 2 ** (8 * i);
    return value;
  }
}
