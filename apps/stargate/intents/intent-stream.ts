import type { Gateway } from '../../../domain/gateway/door.js';
import { overlay } from '../../../domain/gateway/sequence/overlay.js';
import {
  decodeObjects,
  encodeAnswer,
  encodeFrame,
  encodeGreeting,
  FrameReader,
  type Greeting,
  type IntentAnswer,
} from '../../../domain/git/wire/intent-frames.js';
import { decodeLoose } from '../../../domain/git/bytes.js';
import type { ObjectNamer } from '../../../domain/git/object.js';
import { KvError, toKvError } from '../../../ports/error.js';
import { parseTraceparent, type TraceContext } from '../../../ports/grammar/trace-context.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import { NO_SPAN } from '../../../ports/tracing.js';
import type { Limits } from '../../../ports/stargate/limits.js';
import { formatRejection } from '../../../ports/rejection.js';
import type { ExecSession } from '../exec-session.js';
import { requirePermission } from '../permission.js';
import { StreamSilence } from './stream-silence.js';

/** What serving a stream of intents takes. */
export interface IntentStreamOptions {
  readonly gateway: Pick<Gateway, 'checkIntent' | 'order'>;
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  readonly greeting: () => Promise<Greeting>;
  /** Asked whenever they count: a policy may change. */
  readonly limits: () => Pick<Limits, 'intentBytes' | 'intentsOpen' | 'intentSilence'>;
  /** Throws `STORAGE_FULL` when nothing may be written. */
  readonly room: () => Promise<void>;
  /** Fires, with the KvError to tell, when this Stargate leads no more. */
  readonly over: AbortSignal;
  /** Told of each intent that was answered. */
  readonly answered: (answer: IntentAnswer, bytes: number, ms: number) => void;
}

/** No `traceparent` is longer, bytes. */
const MAX_TRACE = 512;

/** Serves one stream of intents: each is checked and ordered beside the others, and answered as it is ordered. */
export class IntentStream {
  private readonly reader: FrameReader;
  private next = 0;
  /** What the next intent belongs to. */
  private trace: TraceContext | null = null;
  private open = 0;
  private openBytes = 0;
  private ended = false;
  private resting = false;
  private silence: StreamSilence | undefined;
  private settle: (status: number) => void = () => undefined;

  constructor(
    private readonly session: ExecSession,
    private readonly options: IntentStreamOptions,
  ) {
    this.reader = new FrameReader(() => options.limits().intentBytes);
  }

  /** Resolves with the exit status when the client has said all and has all its answers, or when the stream breaks. */
  async run(): Promise<number> {
    const { session, options } = this;
    const done = new Promise<number>((resolve) => (this.settle = resolve));
    const gone = (): void => {
      const { reason } = session.gone;
      if (KvError.is(reason)) this.fail(reason);
      else this.finish(0);
    };
    const over = (): void => this.fail(toKvError(options.over.reason));
    session.gone.addEventListener('abort', gone);
    options.over.addEventListener('abort', over);
    try {
      session.output.write(encodeFrame('H', encodeGreeting(await options.greeting())));
      this.silence = new StreamSilence(
        () => options.limits().intentSilence,
        () => this.silent(),
      );
      this.rest();
      session.input.on('data', (bytes: Buffer) => this.take(bytes));
      session.input.once('end', () => this.endOfInput());
      if (session.gone.aborted) gone();
      if (options.over.aborted) over();
      return await done;
    } finally {
      session.place?.idle(null);
      session.gone.removeEventListener('abort', gone);
      options.over.removeEventListener('abort', over);
      this.silence?.stop();
    }
  }

  private take(bytes: Uint8Array): void {
    if (this.ended) return;
    this.silence?.moved();
    try {
      this.reader.push(bytes);
      this.begin();
    } catch (error) {
      this.fail(toKvError(error));
    }
  }

  /** Begins with the intents that are here, as far as there is room; the client waits for the rest. */
  private begin(): void {
    const { intentsOpen, intentBytes } = this.options.limits();
    const full = (): boolean => this.open >= intentsOpen || this.openBytes >= 2 * intentBytes || this.unread;
    while (!full()) {
      const frame = this.reader.next();
      if (frame === undefined) break;
      if (frame.kind === 'T') {
        this.trace = parseTraceparent(decodeLoose(frame.payload.subarray(0, MAX_TRACE)));
        continue;
      }
      if (frame.kind !== 'I')
        throw new KvError('INPUT_INVALID', `the stream of intents has a frame of kind ${frame.kind} from its client`);
      void this.serve(this.next++, frame.payload, this.trace);
      this.trace = null;
    }
    if (full()) this.session.input.pause();
    else this.session.input.resume();
    this.rest();
  }

  /** While nothing is under way, somebody else may have its place: the next intent opens another stream. */
  private rest(): void {
    const resting = this.open === 0 && this.reader.waiting === 0 && !this.unread;
    if (resting === this.resting || this.ended) return;
    this.resting = resting;
    this.session.place?.idle(resting ? () => this.finish(0) : null);
  }

  /** The client doesn't read its answers. */
  private get unread(): boolean {
    return this.session.output.writableNeedDrain;
  }

  private async serve(id: number, payload: Uint8Array, trace: TraceContext | null): Promise<void> {
    this.open += 1;
    this.openBytes += payload.length;
    const began = performance.now();
    let txn: string | null = null;
    let answer: IntentAnswer;
    const span = this.session.trace?.part('stargate.intent', trace) ?? NO_SPAN;
    try {
      const { store, namer, gateway, room } = this.options;
      await room();
      const objects = decodeObjects(payload, namer);
      const oid = (objects[0] as (typeof objects)[number]).oid;
      const own = overlay(store, new Map(objects.map((object) => [object.oid, object])));
      const confirm = (): void => requirePermission(this.session.pusherNow(), 'push');
      const request = { oid, store: own, objects, confirm, span };
      request.confirm();
      const sound = await gateway.checkIntent(request);
      txn = sound.intent.trailers.txn;
      answer = { id, outcome: await gateway.order(sound, request) };
      span.note({ code: 'OK', bytes: payload.length, txn: [txn] });
      span.end();
    } catch (error) {
      answer = { id, outcome: toKvError(error) };
      span.end(error);
    }
    this.open -= 1;
    this.openBytes -= payload.length;
    this.options.answered(answer, payload.length, performance.now() - began);
    if (this.ended) return;
    this.silence?.moved();
    const { output } = this.session;
    output.write(encodeFrame('A', encodeAnswer(answer, txn)));
    if (this.unread) output.once('drain', () => this.goOn());
    else this.goOn();
  }

  private goOn(): void {
    if (this.ended) return;
    this.take(new Uint8Array(0));
    if (this.session.input.readableEnded) this.endOfInput();
  }

  /** Nothing has moved for as long as it may. It is well for a client to have no more to say; the next intent opens another stream. */
  private silent(): void {
    if (this.open > 0) {
      this.silence?.moved(); // it is this side that is slow
      return;
    }
    if (this.reader.waiting === 0 && !this.unread) {
      this.finish(0);
      return;
    }
    const what = this.unread ? 'its answers are not read' : 'it stops within a frame';
    this.fail(
      new KvError('IO_ERROR', `nothing has moved on the stream of intents, and ${what}`, { hint: 'send the intent again' }),
    );
  }

  private endOfInput(): void {
    if (this.open > 0 || this.ended) return; // what is open is answered first
    if (this.reader.waiting > 0) this.fail(new KvError('INPUT_INVALID', 'the stream of intents ends within a frame'));
    else this.finish(0);
  }

  private fail(error: KvError): void {
    if (this.ended) return;
    const { output, request, gone } = this.session;
    if (!gone.aborted || KvError.is(gone.reason)) output.write(encodeFrame('E', Buffer.from(formatRejection(error, request))));
    this.finish(1);
  }

  private finish(status: number): void {
    this.ended = true;
    this.settle(status);
  }
}
