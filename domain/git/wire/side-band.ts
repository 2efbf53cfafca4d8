import { encodePkt, MAX_PAYLOAD } from '../../../ports/grammar/git-words/pkt-line.js';
import { concat, utf8 } from '../bytes.js';

/** Streams in one: 1 has what was asked for, 2 is for the user's eyes, 3 ends everything with an error (gitprotocol-pack, "side-band"). */
export type Band = 1 | 2 | 3;

/** What of the side bands a client knows: lines of up to 65520 bytes, of up to 1000, or none. */
export class SideBand {
  private constructor(private readonly most: number) {}

  static of(capabilities: ReadonlySet<string>): SideBand {
    return new SideBand(capabilities.has('side-band-64k') ? MAX_PAYLOAD - 1 : capabilities.has('side-band') ? 995 : 0);
  }

  /** As protocol v2 always has it. */
  static readonly large = new SideBand(MAX_PAYLOAD - 1);

  /** Whether there are any. */
  get isThere(): boolean {
    return this.most > 0;
  }

  /** Bytes on a band. Without bands, those of the first pass as they are, and those of the others are lost. */
  frame(band: Band, bytes: Uint8Array): Uint8Array {
    if (this.most === 0) return band === 1 ? bytes : new Uint8Array(0);
    const lines: Uint8Array[] = [];
    for (let from = 0; from < bytes.length; from += this.most)
      lines.push(encodePkt(concat([Uint8Array.of(band), bytes.subarray(from, from + this.most)])));
    return lines.length === 1 && lines[0] !== undefined ? lines[0] : concat(lines);
  }

  /** A line of text on a band. */
  say(band: 2 | 3, text: string): Uint8Array {
    return this.frame(band, utf8(text));
  }
}
