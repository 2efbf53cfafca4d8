import { KvError } from '../../../../ports/error.js';
import { concat, decodeUtf8 } from '../../../git/bytes.js';
import { MAX_LINE } from '../snapshot-format.js';
import { tooLong } from './lines.js';
import type { ImportSource } from './source.js';

/** One object of the array, as text; `line` is where it begins. */
export interface Element {
  readonly line: number;
  readonly at: number;
  readonly text: string | undefined;
}

const [QUOTE, BACKSLASH, NEWLINE] = [0x22, 0x5c, 0x0a];
const [OPEN_LIST, CLOSE_LIST, OPEN, CLOSE, COMMA, COLON] = [0x5b, 0x5d, 0x7b, 0x7d, 0x2c, 0x3a];

/**
 * Cuts one JSON document into the elements of its one long array, so that a document of any size is read in bounded memory.
 * What is left, with a 0 in each element's place, is the skeleton: it is parsed at the end, which finds whatever is wrong outside.
 */
export class ElementScanner {
  private readonly stack: number[] = [];
  private readonly outside: number[] = [];
  private element: { line: number; depth: number } | null = null;
  private parts: Uint8Array[] = [];
  private held = 0;
  private line = 1;
  private count = 0;
  private inString = false;
  private escaped = false;
  private token: number[] = [];
  private member = '';

  /** `member` names the array within a top-level object; null: the document itself is the array. */
  constructor(
    private readonly source: ImportSource,
    private readonly wanted: string | null,
  ) {}

  async *run(): AsyncGenerator<Element[]> {
    for await (const piece of this.source.open()) {
      const found = this.feed(piece);
      if (found.length > 0) yield found;
    }
  }

  /** The document without the array's elements. Throws `INPUT_INVALID` when it is no JSON, or was cut off. */
  skeleton(): unknown {
    try {
      if (this.element !== null) throw new SyntaxError('cut off');
      return JSON.parse(decodeUtf8(Uint8Array.from(this.outside)) ?? '');
    } catch {
      throw new KvError('INPUT_INVALID', `${this.source.name}:${this.line}: is no complete JSON document, nothing was written`, {
        hint: 'it may have been cut off: export it again',
      });
    }
  }

  private feed(piece: Uint8Array): Element[] {
    const found: Element[] = [];
    let start = 0;
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i] as number;
      if (byte === NEWLINE) this.line++;
      if (this.inString) {
        if (this.element === null) this.outsideByte(byte);
        if (this.escaped) this.escaped = false;
        else if (byte === BACKSLASH) this.escaped = true;
        else if (byte === QUOTE) this.inString = false;
        continue;
      }
      if (byte <= 0x20) continue;
      const inArray = this.element === null && this.isArray() && byte !== COMMA && byte !== CLOSE_LIST;
      if (inArray && byte === OPEN) {
        this.element = { line: this.line, depth: this.stack.length };
        start = i;
      }
      this.step(byte);
      if (this.element !== null && this.stack.length === this.element.depth) {
        this.parts.push(piece.subarray(start, i + 1));
        found.push({ line: this.element.line, at: ++this.count, text: decodeUtf8(concat(this.parts)) });
        this.outside.push(0x30);
        this.parts = [];
        this.held = 0;
        this.element = null;
      }
    }
    if (this.element !== null) {
      this.parts.push(piece.subarray(start));
      this.held += piece.length - start;
    }
    if (this.held > MAX_LINE || this.outside.length > MAX_LINE) throw tooLong(this.source.name, this.line, 'entry');
    return found;
  }

  private isArray(): boolean {
    const { stack, wanted } = this;
    if (wanted === null) return stack.length === 1 && stack[0] === OPEN_LIST;
    return stack.length === 2 && stack[0] === OPEN && stack[1] === OPEN_LIST && this.member === wanted;
  }

  private step(byte: number): void {
    if (byte === OPEN || byte === OPEN_LIST) this.stack.push(byte);
    if (byte === CLOSE || byte === CLOSE_LIST) this.stack.pop();
    if (byte === QUOTE) this.inString = true;
    if (this.element !== null) return;
    if (byte === QUOTE) this.token = [];
    if (byte === COLON && this.stack.length === 1) this.member = decodeUtf8(Uint8Array.from(this.token)) ?? '';
    this.outside.push(byte);
  }

  private outsideByte(byte: number): void {
    this.outside.push(byte);
    if (byte !== QUOTE) this.token.push(byte);
  }
}
