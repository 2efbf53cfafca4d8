import { PassThrough, Writable } from 'node:stream';
import { KvError } from '../../../ports/error.js';
import type { Told } from './frames.js';

/** How long a standby waits for something to hear, ms. */
const WAIT_MS = 1000;
/** So much is kept for a client until its standby asks for it, bytes; and so much goes at a time. */
const AHEAD = 1024 * 1024;

/** One command of a client of another server, served here. */
export class ForwardedSession {
  readonly input = new PassThrough({ highWaterMark: AHEAD });
  readonly output: Writable;
  private readonly leaving = new AbortController();
  /** What is to be heard, one after the other; of one kind together. */
  private pieces: (readonly ['out' | 'err', Uint8Array[]])[] = [];
  private held = 0;
  private status: number | null = null;
  private wake: () => void = () => undefined;
  private drained: (() => void)[] = [];
  private inputs = 0;
  private outputs = 0;
  heard = performance.now();

  constructor() {
    this.output = new Writable({
      highWaterMark: AHEAD,
      write: (bytes: Buffer, _encoding, done) => {
        this.tell('out', bytes);
        if (this.held < AHEAD) done();
        else this.drained.push(done);
      },
    });
    this.input.on('error', () => undefined); // nobody reads any more
  }

  get gone(): AbortSignal {
    return this.leaving.signal;
  }

  tell(kind: 'out' | 'err', bytes: Uint8Array): void {
    const last = this.pieces.at(-1);
    if (last?.[0] === kind) last[1].push(bytes);
    else this.pieces.push([kind, [bytes]]);
    this.held += bytes.length;
    this.wake();
  }

  end(status: number): void {
    this.status = status;
    this.input.destroy();
    this.wake();
  }

  leave(): void {
    this.leaving.abort();
    this.input.destroy();
    for (const done of this.drained.splice(0)) done();
  }

  /** Takes what the client says; resolves when there is room for more. */
  async take(seq: number, bytes: Uint8Array, end: boolean): Promise<void> {
    if (seq !== this.inputs++) throw outOfOrder();
    if (this.status !== null || this.input.destroyed) return;
    const hasRoom = bytes.length === 0 || this.input.write(bytes);
    if (end) this.input.end();
    else if (!hasRoom) await room(this.input);
  }

  /** What there is to hear, after a moment. */
  async give(seq: number): Promise<{ readonly told: Told; readonly bytes: Uint8Array }> {
    if (seq !== this.outputs++) throw outOfOrder();
    if (this.pieces.length === 0 && this.status === null)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, WAIT_MS);
        this.wake = () => {
          clearTimeout(timer);
          setImmediate(resolve); // with what is said in the same moment
        };
      });
    this.wake = () => undefined;
    const pieces = this.pieces.map(([kind, list]) => [kind, Buffer.concat(list)] as const);
    this.pieces = [];
    this.held = 0;
    for (const done of this.drained.splice(0)) done();
    const told: Told = { pieces: pieces.map(([kind, { length }]) => [kind, length]), status: this.status };
    return { told, bytes: Buffer.concat(pieces.map(([, bytes]) => bytes)) };
  }
}

/** Waits until a stream takes more, or is over; at most a moment, after which whoever asks again finds it as full. */
async function room(stream: PassThrough): Promise<void> {
  const events = ['drain', 'close', 'error'];
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const event of events) stream.off(event, done);
      resolve();
    };
    const timer = setTimeout(done, WAIT_MS);
    for (const event of events) stream.once(event, done);
  });
}

const outOfOrder = (): KvError =>
  new KvError('PEER_REFUSED', 'a piece of a command has come out of order', { details: { reason: 'frame' } });
