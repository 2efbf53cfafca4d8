import { createHash } from 'node:crypto';
import { KvError, MAX_PEER_BODY } from '../../ports/index.js';
import { badFrame } from './refusal.js';

/**
 * A request or an answer: the body's frame, frames of the stream, the end's frame, whose content proves that the stream is whole. A frame
 * is a letter, the length in four bytes, and so many bytes.
 */
const BODY = 0x42;
const DATA = 0x44;
const END = 0x45;
const HEAD = 5;

/** The longest frame of a stream, bytes: a longer piece is cut. */
const MAX_DATA = 256 * 1024;

/** The longest proof at the end, bytes. */
const MAX_END = 64;

/** Proves a stream, given the SHA-256 of all its bytes; nothing where the connection itself is proof. */
export type Prove = (digest: Buffer) => Buffer;

/** The frames of a body and its stream. */
export async function* encodeFrames(
  body: Uint8Array,
  stream: AsyncIterable<Uint8Array> | undefined,
  prove: Prove,
): AsyncIterable<Buffer> {
  const hash = createHash('sha256');
  yield Buffer.concat([head(BODY, body.length), body]);
  if (stream !== undefined)
    for await (const piece of stream)
      for (let at = 0; at < piece.length; at += MAX_DATA) {
        const part = piece.subarray(at, at + MAX_DATA);
        hash.update(part);
        yield Buffer.concat([head(DATA, part.length), part]);
      }
  const proof = prove(hash.digest());
  yield Buffer.concat([head(END, proof.length), proof]);
}

function head(kind: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD);
  bytes[0] = kind;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** Reads frames, each held to its bounds before it is in memory. */
export class FrameReader {
  private readonly source: AsyncIterator<Buffer>;
  private held: Buffer = Buffer.alloc(0);
  private ended = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.source = source[Symbol.asyncIterator]();
  }

  /** The body. Throws `PEER_REFUSED` for anything else, `IO_ERROR` when it breaks off. */
  async body(): Promise<Buffer> {
    const { kind, length } = await this.head();
    if (kind !== BODY) throw badFrame('it begins with no body');
    if (length > MAX_PEER_BODY) throw badFrame(`a body of ${length} bytes`);
    return await this.exactly(length);
  }

  /** The pieces of the stream up to its end, which must prove them. */
  async *stream(prove: Prove): AsyncIterable<Uint8Array> {
    const hash = createHash('sha256');
    for (;;) {
      const { kind, length } = await this.head();
      if (kind === END) {
        if (length > MAX_END) throw badFrame(`an end of ${length} bytes`);
        const proof = await this.exactly(length);
        if (!proof.equals(prove(hash.digest()))) throw badFrame('its stream was changed on its way');
        if (this.held.length > 0) throw badFrame('bytes after its end');
        this.ended = true;
        return;
      }
      if (kind !== DATA || length === 0 || length > MAX_DATA) throw badFrame(`a frame of kind ${kind} and ${length} bytes`);
      const piece = await this.exactly(length);
      hash.update(piece);
      yield piece;
    }
  }

  /** Whether the end was read. */
  get isOver(): boolean {
    return this.ended;
  }

  private async head(): Promise<{ readonly kind: number; readonly length: number }> {
    const bytes = await this.exactly(HEAD);
    return { kind: bytes[0] ?? 0, length: bytes.readUInt32BE(1) };
  }

  private async exactly(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.held.length === 0) this.held = await this.more();
      const taken = this.held.subarray(0, missing);
      this.held = this.held.subarray(taken.length);
      pieces.push(taken);
      missing -= taken.length;
    }
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }

  private async more(): Promise<Buffer> {
    let cause: unknown;
    const next = await this.source.next().catch((error: unknown) => {
      cause = error;
      return null;
    });
    if (next !== null && next.done !== true) return next.value;
    if (KvError.is(cause)) throw cause;
    throw new KvError('IO_ERROR', 'a peer broke off in the middle of what it said', {
      hint: 'try again',
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
