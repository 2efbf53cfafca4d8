/** Numbers that follow from a seed and a case's number alone (mulberry32), so that one case can be run again without those before it. */
export class Seeded {
  private state: number;

  constructor(seed: number, number: number) {
    this.state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) >>> 0;
  }

  /** A whole number of at least 0 and less than `below`. */
  int(below: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  /** One of them. */
  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.int(choices.length)] ?? choices[0];
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.int(256)));
  }

  /** With a few bytes changed, taken away or put in. */
  spoil(bytes: Uint8Array, edits = 1 + this.int(4)): Buffer {
    let out: Buffer = Buffer.from(bytes);
    for (let i = 0; i < edits; i++) {
      const at = this.int(out.length + 1);
      const put = this.pick<() => Buffer>([
        () => this.bytes(1 + this.int(4)),
        () => Buffer.alloc(1 + this.int(2000), this.int(256)),
        () =>
          Buffer.from(
            this.pick(['\0', '\n', '\r\n', '0000', 'ffff', '../', "'", '-', '\u001b[', '%00', ' ', '\u202e', ';', '$(id)']),
          ),
        () => Buffer.alloc(0),
      ])();
      out = Buffer.concat([out.subarray(0, at), put, out.subarray(at + this.int(8))]);
    }
    return out;
  }
}
