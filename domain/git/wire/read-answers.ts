import { concat, decodeLoose } from '../bytes.js';
import type { ReadRequests } from './read-requests.js';
import type { RefAdvertisement } from './ref-advertisement.js';

/** What upload-pack says, taken apart: lists of refs, whole, and everything else as it came. */
export type ReadAnswer =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'refs'; readonly list: RefAdvertisement; readonly bytes: Uint8Array };

/** Where in upload-pack's talk the next line stands. */
type Place = 'greeting' | 'first list' | 'capabilities' | 'answer' | 'list' | 'rest';

/**
 * Reads along with what upload-pack says, in any protocol version, and holds back lists of refs until they are whole. What it can't
 * follow passes as it is.
 */
export class ReadAnswers {
  private pending: Uint8Array = new Uint8Array(0);
  private place: Place = 'greeting';
  /** Whether the answer at hand has begun. */
  private begun = false;
  /** Bytes of the line at hand that are to pass. */
  private skip = 0;
  private lines: Uint8Array[] = [];
  private held: Uint8Array[] = [];
  private prefixes: readonly string[] | null = null;

  constructor(private readonly requests: ReadRequests) {}

  /** Takes the next bytes; gives what may go on to the client now. */
  push(bytes: Uint8Array): ReadAnswer[] {
    const input = this.pending.length === 0 ? bytes : concat([this.pending, bytes]);
    const out: ReadAnswer[] = [];
    let [at, from] = [0, 0];
    const pass = (to: number): void => {
      if (to > from) out.push({ kind: 'bytes', bytes: input.subarray(from, to) });
      from = to;
    };
    while (at < input.length) {
      if (this.place === 'rest') {
        at = input.length;
        break;
      }
      if (this.skip > 0) {
        const step = Math.min(this.skip, input.length - at);
        this.skip -= step;
        at += step;
        continue;
      }
      if (input.length - at < 4) break;
      const length = lengthAt(input, at);
      if (length === undefined) {
        this.place = 'rest';
        continue;
      }
      this.enter();
      const end = at + Math.max(length, 4);
      if (this.place === 'answer' || this.place === 'capabilities') {
        this.skip = end - at;
        if (length === 0) this.ended();
        continue;
      }
      if (input.length < end) break;
      const payload = input.subarray(at + 4, end);
      if (this.place === 'greeting' && !this.isFirstOfList(payload)) {
        this.skip = end - at;
        continue;
      }
      pass(at);
      this.held.push(input.slice(at, end));
      if (length > 0) this.lines.push(payload.slice());
      [at, from] = [end, end];
      if (length > 0) continue;
      out.push({ kind: 'refs', list: { lines: this.lines, prefixes: this.prefixes }, bytes: concat(this.held) });
      [this.lines, this.held] = [[], []];
      this.ended();
    }
    pass(at);
    this.pending = input.slice(at);
    return out;
  }

  /** What was held back of a list that came to no end. */
  rest(): Uint8Array {
    return concat([...this.held.splice(0), this.pending]);
  }

  private enter(): void {
    if (this.place !== 'answer' || this.begun) return;
    const request = this.requests.take();
    this.begun = true;
    if (request?.command !== 'ls-refs') return;
    this.place = 'list';
    this.prefixes = request.prefixes;
  }

  /** Whether a list begins at once, as in protocol v0, with no line before it that names a version. */
  private isFirstOfList(payload: Uint8Array): boolean {
    const text = decodeLoose(payload).trim();
    if (text === 'version 2') this.place = 'capabilities';
    else this.requests.stop();
    if (/^version \d+$/.test(text)) return false;
    this.place = 'first list';
    return true;
  }

  private ended(): void {
    this.place = this.place === 'first list' ? 'rest' : 'answer';
    this.begun = false;
  }
}

/** The length that four hexadecimal digits say; undefined for what is no length. */
function lengthAt(bytes: Uint8Array, at: number): number | undefined {
  const digits = String.fromCharCode(...bytes.subarray(at, at + 4));
  if (!/^[0-9a-fA-F]{4}$/.test(digits)) return undefined;
  const length = Number.parseInt(digits, 16);
  return length === 3 ? undefined : length;
}
