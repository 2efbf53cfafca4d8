/** The first buffer, and the largest, bytes: there may be ten thousand repositories of a few objects. */
const FIRST = 1024;
const SLAB = 64 * 1024;
const SMALL = 4096;

/**
 * Room for the bodies of small objects, many in one buffer: a buffer of its own costs a small body more than its bytes, and a piece of
 * somebody else's buffer would keep all of that in memory.
 */
export class Arena {
  private slab = new Uint8Array(0);
  private used = 0;

  /** The same bytes, in memory that holds nothing but objects. A body that fills its buffer is taken as it is. */
  keep(body: Uint8Array): Uint8Array {
    const { length } = body;
    if (length === body.buffer.byteLength) return body;
    if (length > SMALL) return new Uint8Array(body); // a Buffer's own slice would be a piece of the same buffer
    if (length > this.slab.length - this.used) {
      this.slab = new Uint8Array(Math.max(Math.min(SLAB, Math.max(FIRST, 2 * this.slab.length)), length));
      this.used = 0;
    }
    const kept = this.slab.subarray(this.used, this.used + length);
    kept.set(body);
    this.used += length;
    return kept;
  }
}
