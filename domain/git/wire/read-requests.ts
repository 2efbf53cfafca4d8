import { PktReader, pktText } from '../../../ports/grammar/git-words/pkt-line.js';

/** What a client of protocol v2 asks upload-pack for; of `ls-refs`, the prefixes it asks for, null for all refs. */
export type ReadRequest =
  | { readonly command: 'ls-refs'; readonly prefixes: readonly string[] | null }
  | { readonly command: 'other' };

/** Git answers a request with more prefixes as one with none. */
const MAX_PREFIXES = 65_536;

/** Reads along with what a client says to upload-pack (gitprotocol-v2): which requests it made, in order. Changes nothing. */
export class ReadRequests {
  private readonly reader = new PktReader();
  private readonly open: ReadRequest[] = [];
  private command: string | null = null;
  private prefixes: string[] = [];
  private over = false;

  /** Takes the next bytes from the client. */
  push(bytes: Uint8Array): void {
    if (this.over) return;
    this.reader.push(bytes);
    try {
      for (let pkt = this.reader.next(); pkt !== undefined && !this.over; pkt = this.reader.next()) {
        if (pkt.kind === 'data') this.line(pktText(pkt.payload));
        else if (pkt.kind === 'flush') this.flush();
      }
    } catch {
      this.stop(); // no pkt-line: upload-pack says so to the client
    }
  }

  /** The oldest request that was not taken yet. */
  take(): ReadRequest | undefined {
    return this.open.shift();
  }

  /** It is not protocol v2: nothing more is read. */
  stop(): void {
    this.over = true;
    this.open.length = 0;
    this.reader.rest();
  }

  private line(text: string): void {
    this.command ??= text;
    if (text.startsWith('ref-prefix ') && this.prefixes.length <= MAX_PREFIXES) this.prefixes.push(text.slice(11));
  }

  private flush(): void {
    const { command, prefixes } = this;
    this.command = null;
    this.prefixes = [];
    if (command === null) return; // a lone flush ends the connection
    const all = prefixes.length === 0 || prefixes.length > MAX_PREFIXES;
    this.open.push(
      command === 'command=ls-refs' ? { command: 'ls-refs', prefixes: all ? null : prefixes } : { command: 'other' },
    );
  }
}
