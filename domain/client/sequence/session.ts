import { KvError, toKvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { IntentConnection } from '../../../ports/clone/intent-stream.js';
import { parseRejection } from '../../../ports/rejection.js';
import { formatTraceparent, type TraceContext } from '../../../ports/grammar/trace-context.js';
import { concat, decodeLoose, utf8 } from '../../git/bytes.js';
import {
  decodeAnswer,
  decodeGreeting,
  encodeFrame,
  encodeObjects,
  type Frame,
  FrameReader,
  type Greeting,
  type IntentAnswer,
  type Ordered,
} from '../../git/wire/intent-frames.js';

/** No answer is longer, bytes: one that names every key of the largest intent. */
const LONGEST = 64 * 1024 * 1024;

/** What has become of an intent that nobody has answered yet. */
interface Open {
  readonly resolve: (ordered: Ordered) => void;
  readonly reject: (error: unknown) => void;
}

/** A stream of intents to a Stargate, as a client speaks it: many intents on one connection, each answered as it is ordered. */
export class IntentSession {
  /** What the Stargate says first. Rejects with why it says nothing; `details.sent` of that is `nothing`, or `cut` as a push has it. */
  readonly greeting: Promise<Greeting>;
  private greeted: { readonly resolve: (greeting: Greeting) => void; readonly reject: (error: unknown) => void } | null = null;
  private readonly reader = new FrameReader(() => LONGEST);
  private readonly open = new Map<number, Open>();
  private readonly epochs = new Map<string, string | null>();
  private next = 0;
  private sending: Promise<void> = Promise.resolve();
  private listening = false;
  private retired = false;
  private over: KvError | null = null;
  private connection: IntentConnection | null = null;

  constructor(private readonly opening: Promise<IntentConnection>) {
    this.greeting = new Promise((resolve, reject) => {
      this.greeted = { resolve, reject };
    });
    this.greeting.catch(() => undefined); // whoever has a use for the greeting is told
    void this.listen();
  }

  /** Whether another intent can be sent here. */
  get usable(): boolean {
    return this.over === null && !this.retired && this.connection?.usable !== false;
  }

  /** The epoch that a namespace is in, as it was last heard here; null: it has none yet; undefined: nothing was heard. */
  epochOf(ns: string): string | null | undefined {
    return this.epochs.get(ns);
  }

  /**
   * Sends an intent, its commit first, and gives what has come of it. Throws what the Stargate says of it; when the connection breaks,
   * `details.sent` is `nothing`, or `all` where nobody but the Stargate knows. `trace` is what it belongs to, for a Stargate that takes
   * such.
   */
  submit(objects: readonly NewObject[], trace: TraceContext | null = null): Promise<Ordered> {
    const told = trace === null ? [] : [encodeFrame('T', utf8(formatTraceparent(trace)))];
    const frame = concat([...told, encodeFrame('I', encodeObjects(objects))]);
    return new Promise((resolve, reject) => {
      this.sending = this.sending.then(async () => {
        if (this.over !== null) return reject(this.over);
        this.open.set(this.next++, { resolve, reject });
        void this.listen();
        try {
          await (await this.opening).send(frame);
        } catch (error) {
          this.fail(error);
        }
      });
    });
  }

  /** Takes no further intent, and leaves as soon as what is open is answered. */
  retire(): void {
    this.retired = true;
    void this.sending.then(() => this.leaveIfDone());
  }

  private leaveIfDone(): void {
    if (this.retired && this.open.size === 0)
      this.fail(new KvError('IO_ERROR', 'the stream of intents was left', { hint: 'try again' }));
  }

  /** Takes what comes for as long as something is waited for. */
  private async listen(): Promise<void> {
    if (this.listening) return;
    this.listening = true;
    try {
      this.connection = await this.opening;
      while (this.greeted !== null || this.open.size > 0) {
        const bytes = await this.connection.receive();
        if (bytes === null) throw brokenOff();
        this.reader.push(bytes);
        for (let frame = this.reader.next(); frame !== undefined; frame = this.reader.next()) this.take(frame);
        this.leaveIfDone();
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.listening = false;
    }
  }

  private take({ kind, payload }: Frame): void {
    if (kind === 'E') throw parseRejection(decodeLoose(payload)) ?? unreadable('an end that cannot be read');
    if (kind === 'H' && this.greeted !== null) {
      const greeting = decodeGreeting(payload);
      for (const { ns, epoch } of greeting.namespaces) this.epochs.set(ns, epoch);
      this.greeted.resolve(greeting);
      this.greeted = null;
      return;
    }
    if (kind !== 'A' || this.greeted !== null) throw unreadable('something that does not belong there');
    this.answer(decodeAnswer(payload));
  }

  private answer({ id, outcome }: IntentAnswer): void {
    const open = this.open.get(id);
    if (open === undefined) throw unreadable('an answer to what was not asked');
    this.open.delete(id);
    if (KvError.is(outcome)) {
      const { ns, epoch } = outcome.details ?? {};
      if (typeof ns === 'string' && typeof epoch === 'string') this.epochs.set(ns, epoch);
      open.reject(outcome);
      return;
    }
    this.epochs.set(outcome.ns, outcome.epoch);
    open.resolve(outcome);
  }

  private fail(thrown: unknown): void {
    if (this.over !== null) return;
    const error = toKvError(thrown);
    // What is no frame is no Stargate's, or not one that this client knows.
    const said = error.code === 'INPUT_INVALID' ? unreadable(error.message) : error;
    this.over = said.details?.['sent'] === 'cut' ? said : said.with({ details: { sent: 'nothing' } });
    this.greeted?.reject(this.over);
    this.greeted = null;
    const doubt = said.with({ details: { sent: 'all' } });
    for (const { reject } of this.open.values()) reject(doubt);
    this.open.clear();
    this.opening.then(
      (connection) => connection.close(),
      () => undefined, // never opened
    );
  }
}

function brokenOff(): KvError {
  return new KvError('IO_ERROR', 'the Stargate has ended the stream of intents', { hint: 'try again' });
}

function unreadable(what: string): KvError {
  return new KvError('IO_ERROR', `what answers at the push URL cannot be understood: ${what}`, {
    hint: 'check that the push URL leads to a Stargate, and that git-kv is as new as it is',
  });
}
