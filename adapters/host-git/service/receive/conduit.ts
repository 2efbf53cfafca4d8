import type { ByteSink } from '../../../../ports/index.js';

/** Bytes that one part of this process hands to another: written at one end, read at the other, once. */
export class Conduit implements ByteSink {
  private readonly waiting: Uint8Array[] = [];
  private over = false;
  private wake: () => void = () => undefined;

  write = (bytes: Uint8Array): undefined => {
    if (!this.over) this.waiting.push(bytes);
    this.wake();
    return undefined;
  };

  end(): void {
    this.over = true;
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = this.waiting.shift();
      if (bytes !== undefined) yield bytes;
      else if (this.over) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

/** The lines of what comes through a conduit, one at a time. */
export class LineReader {
  private readonly bytes: AsyncGenerator<Uint8Array>;
  private readonly decoder = new TextDecoder();
  private text = '';

  constructor(conduit: Conduit) {
    this.bytes = conduit[Symbol.asyncIterator]();
  }

  /** The next line, without its end; null when no more come. */
  async next(): Promise<string | null> {
    for (;;) {
      const at = this.text.indexOf('\n');
      if (at >= 0) {
        const line = this.text.slice(0, at);
        this.text = this.text.slice(at + 1);
        return line;
      }
      const { done, value } = await this.bytes.next();
      if (done === true) return null;
      this.text += this.decoder.decode(value, { stream: true });
    }
  }
}
