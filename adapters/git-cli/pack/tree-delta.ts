/** A pack's delta (gitformat-pack, "Deltified representation") between two versions of a tree: what differs between two that follow one another is an entry or some. */

const SPACE = 0x20;
const SLASH = 0x2f;
/** Git's mode of a folder begins with this digit. */
const DIR = 0x34;
const MOST_COPIED = 0xffff;
const MOST_INSERTED = 127;
/** One entry, and a little: what differs is in one place, and there is no need to look for the entries. */
const SHORT = 96;
/** Compared at once. */
const BLOCK = 256;
/** A copy takes up to so many bytes: what is shorter is inserted. */
const COPY_BYTES = 8;
/** Two lengths of up to five bytes. */
const HEAD_BYTES = 10;

/**
 * What makes `target` of `base`, both trees whose ids take `oidBytes`; null where it would save less than half, or where one of them is
 * no tree.
 */
export function treeDelta(base: Uint8Array, target: Uint8Array, oidBytes: number): Buffer | null {
  const delta = new Delta(base, target);
  const start = sameStart(base, target);
  const end = sameEnd(base, target, start);
  if (target.length - start - end <= SHORT) {
    delta.copy(0, start);
    delta.insert(start, target.length - end);
    delta.copy(base.length - end, end);
    return delta.finish();
  }
  return byEntries(delta, base, target, oidBytes);
}

/** How many bytes both begin with. */
function sameStart(a: Uint8Array, b: Uint8Array): number {
  const most = Math.min(a.length, b.length);
  const [whole, other] = [asBuffer(a), asBuffer(b)];
  let same = 0;
  while (same + BLOCK <= most && whole.compare(other, same, same + BLOCK, same, same + BLOCK) === 0) same += BLOCK;
  while (same < most && a[same] === b[same]) same++;
  return same;
}

/** How many bytes both end in, besides the `taken` that they begin with. */
function sameEnd(a: Uint8Array, b: Uint8Array, taken: number): number {
  const most = Math.min(a.length, b.length) - taken;
  const [whole, other] = [asBuffer(a), asBuffer(b)];
  let same = 0;
  for (; same + BLOCK <= most; same += BLOCK) {
    const [aEnd, bEnd] = [a.length - same, b.length - same];
    if (whole.compare(other, bEnd - BLOCK, bEnd, aEnd - BLOCK, aEnd) !== 0) break;
  }
  while (same < most && a[a.length - 1 - same] === b[b.length - 1 - same]) same++;
  return same;
}

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, byteLength);

function byEntries(delta: Delta, base: Uint8Array, target: Uint8Array, oidBytes: number): Buffer | null {
  let at = 0;
  for (let i = 0; i < target.length; ) {
    const end = entryEnd(target, i, oidBytes);
    if (end < 0) return null;
    let same = 0;
    while (i + same < end && at + same < base.length && base[at + same] === target[i + same]) same++;
    const idAt = end - oidBytes;
    if (i + same >= idAt) {
      // The same entry, or another id under the same name.
      const kept = i + same === end ? end - i : idAt - i;
      delta.copy(at, kept);
      delta.insert(i + kept, end);
      at += end - i;
      i = end;
    } else {
      const order = at >= base.length ? 1 : compareNames(base, at, target, i);
      if (order >= 0) {
        delta.insert(i, end);
        i = end;
      }
      if (order <= 0) {
        at = entryEnd(base, at, oidBytes);
        if (at < 0) return null;
      }
    }
    if (delta.isLarge) return null;
  }
  return delta.finish();
}

/** Where the entry ends that begins there; negative where none does. */
function entryEnd(body: Uint8Array, start: number, oidBytes: number): number {
  const nul = body.indexOf(0, start);
  const end = nul + 1 + oidBytes;
  return nul < 0 || end > body.length ? -1 : end;
}

/** The order of two entries, as Git sorts them: a folder as though its name ended in a slash. */
function compareNames(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  let i = a.indexOf(SPACE, aAt) + 1;
  let j = b.indexOf(SPACE, bAt) + 1;
  while (a[i] === b[j] && (a[i] ?? 0) !== 0) {
    i++;
    j++;
  }
  return (a[i] || endOf(a, aAt)) - (b[j] || endOf(b, bAt));
}

const endOf = (body: Uint8Array, entry: number): number => (body[entry] === DIR ? SLASH : 0);

/** Writes the instructions; runs that follow one another become one. */
class Delta {
  private readonly out: Buffer;
  private used: number;
  private copyAt = 0;
  private copied = 0;
  private insertAt = 0;
  private inserted = 0;
  private readonly most: number;

  constructor(
    base: Uint8Array,
    private readonly target: Uint8Array,
  ) {
    this.most = target.length >> 1;
    // An instruction goes with every run that is inserted, and the last one may begin when half is nearly full.
    this.out = Buffer.allocUnsafe(HEAD_BYTES + this.most + (this.most >> 6) + 2 * (COPY_BYTES + MOST_INSERTED));
    this.used = this.length(target.length, this.length(base.length, 0));
  }

  /** Whether it has become more than half of what it stands for. */
  get isLarge(): boolean {
    return this.used + this.inserted > this.most;
  }

  copy(at: number, length: number): void {
    if (length === 0) return;
    if (this.inserted > 0 || this.copyAt + this.copied !== at) this.flush();
    if (this.copied === 0) this.copyAt = at;
    this.copied += length;
  }

  /** `target[start, end)`. */
  insert(start: number, end: number): void {
    if (start === end) return;
    if (this.copied > 0) this.flushCopy();
    if (this.inserted === 0) this.insertAt = start;
    this.inserted += end - start;
  }

  /** The whole delta; null where it is too large. */
  finish(): Buffer | null {
    if (this.isLarge) return null;
    this.flush();
    return this.out.subarray(0, this.used);
  }

  private flush(): void {
    this.flushCopy();
    for (; this.inserted > 0; ) {
      const length = Math.min(MOST_INSERTED, this.inserted);
      this.out[this.used++] = length;
      this.out.set(this.target.subarray(this.insertAt, this.insertAt + length), this.used);
      this.used += length;
      this.insertAt += length;
      this.inserted -= length;
    }
  }

  private flushCopy(): void {
    for (; this.copied > 0; ) {
      const length = Math.min(MOST_COPIED, this.copied);
      const flagsAt = this.used++;
      let flags = 0x80;
      for (let byte = 0; byte < 4; byte++) flags |= this.part(this.copyAt >>> (8 * byte), 1 << byte);
      for (let byte = 0; byte < 2; byte++) flags |= this.part(length >>> (8 * byte), 0x10 << byte);
      this.out[flagsAt] = flags;
      this.copyAt += length;
      this.copied -= length;
    }
  }

  /** A byte of a number, and its flag; a zero is left out. */
  private part(byte: number, flag: number): number {
    if ((byte & 0xff) === 0) return 0;
    this.out[this.used++] = byte & 0xff;
    return flag;
  }

  /** Seven bits a byte, the least significant first. */
  private length(value: number, at: number): number {
    let left = value;
    for (; left > 127; left = Math.floor(left / 128)) this.out[at++] = (left & 0x7f) | 0x80;
    this.out[at++] = left;
    return at;
  }
}
