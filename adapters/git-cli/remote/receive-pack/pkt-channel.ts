import type { Readable } from 'node:stream';
import { type Pkt, PktReader } from '../../../../ports/grammar/git-words/pkt-line.js';

/** More is no answer of a Stargate's, bytes. */
const LONGEST_LINE = 8 * 1024 * 1024;

/** The lines that another side sends, one after the other as they are asked for. */
export class PktChannel {
  private readonly reader = new PktReader();
  private over = false;
  private wake: (() => void) | null = null;

  constructor(stream: Readable) {
    stream.on('data', (chunk: Buffer) => {
      this.reader.push(chunk);
      this.wake?.();
    });
    for (const end of ['end', 'close', 'error'])
      stream.on(end, () => {
        this.over = true;
        this.wake?.();
      });
  }

  /** The next line; null when the other side has ended, or sends what is no pkt-line. */
  async next(): Promise<Pkt | null> {
    for (;;) {
      const pkt = this.buffered();
      if (pkt !== undefined) return pkt;
      if (this.over) return null;
      await new Promise<void>((resolve) => (this.wake = resolve));
      this.wake = null;
    }
  }

  /**
   * The next line of text, which is no pkt-line, without those that are empty; null when the other side has ended, or goes on without an
   * end of line for longer than anything that is meant for us.
   */
  async line(): Promise<string | null> {
    for (;;) {
      const bytes = this.reader.rest();
      const end = bytes.indexOf(10);
      if (end >= 0) {
        this.reader.push(bytes.subarray(end + 1));
        if (end > 0) return new TextDecoder().decode(bytes.subarray(0, end));
        continue;
      }
      this.reader.push(bytes);
      if (this.over || bytes.length > LONGEST_LINE) return null;
      await new Promise<void>((resolve) => (this.wake = resolve));
      this.wake = null;
    }
  }

  private buffered(): Pkt | null | undefined {
    try {
      return this.reader.next();
    } catch {
      return null; // what speaks there is no git: its end, or its words on stderr, say what it is
    }
  }
}
