/** Git's pkt-line framing (gitprotocol-common): four hex digits of length, themselves included, then the payload. */

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The largest payload of one line, bytes. */
export const MAX_PAYLOAD = 65516;

/** The line that ends a list. */
export const FLUSH_PKT: Uint8Array = utf8('0000');

/** A payload, or one of the special lines that carry none. */
export type Pkt = { readonly kind: 'data'; readonly payload: Uint8Array } | { readonly kind: 'flush' | 'delim' | 'response-end' };

const SPECIAL = ['flush', 'delim', 'response-end'] as const;

/** Frames one payload. Throws RangeError above `MAX_PAYLOAD`. */
export function encodePkt(payload: string | Uint8Array): Uint8Array {
  const body = typeof payload === 'string' ? utf8(payload) : payload;
  if (body.length > MAX_PAYLOAD) throw new RangeError(`pkt-line of ${body.length} bytes is over ${MAX_PAYLOAD}`);
  return concat([utf8((body.length + 4).toString(16).padStart(4, '0')), body]);
}

/** Takes bytes in any pieces and gives whole lines. */
export class PktReader {
  private pending: Uint8Array = new Uint8Array(0);

  /** Takes the next bytes; they are not copied, and must not change until the lines in them were read. */
  push(bytes: Uint8Array): void {
    this.pending = this.pending.length === 0 ? bytes : concat([this.pending, bytes]);
  }

  /** The next whole line; undefined when more bytes are needed. Throws RangeError when the length is no length. */
  next(): Pkt | undefined {
    if (this.pending.length < 4) return undefined;
    const digits = String.fromCharCode(...this.pending.subarray(0, 4));
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new RangeError('pkt-line length is not hexadecimal');
    const length = parseInt(digits, 16);
    const special = SPECIAL[length];
    if (special !== undefined) {
      this.pending = this.pending.subarray(4);
      return { kind: special };
    }
    if (length < 4 || length > MAX_PAYLOAD + 4) throw new RangeError(`pkt-line length ${length} is out of range`);
    if (this.pending.length < length) return undefined;
    const payload = this.pending.subarray(4, length);
    this.pending = this.pending.subarray(length);
    return { kind: 'data', payload };
  }

  /** What was pushed and not yet given as a line. The reader is empty afterwards. */
  rest(): Uint8Array {
    const rest = this.pending;
    this.pending = new Uint8Array(0);
    return rest;
  }
}

/** A payload as text, without the newline that most senders add. */
export function pktText(payload: Uint8Array): string {
  return decoder.decode(payload).replace(/\n$/, '');
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
