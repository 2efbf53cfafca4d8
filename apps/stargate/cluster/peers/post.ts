import { setMaxListeners } from 'node:events';
import type { ServerId } from '../../../../domain/gateway/replicate/entry.js';
import type { Message } from '../../../../domain/gateway/replicate/messages.js';
import { decodeMessage, encodeMessage, Fields } from '../../../../domain/gateway/replicate/wire/message-codec.js';
import { type KvError, toKvError } from '../../../../ports/error.js';
import type { PeerAnswer, ReceivedRequest } from '../../../../ports/stargate/peer-transport.js';
import { type PeerDispatch, TOPICS } from './dispatch.js';

/** What goes with a message, as far as objects go with it. */
export interface Packs {
  /** The objects that a message is about; null where it has none. */
  of(message: Message): Promise<AsyncIterable<Uint8Array> | null>;
  /** Takes them in before the message is handed on. */
  take(message: Message, stream: AsyncIterable<Uint8Array>): Promise<void>;
}

/** What the post needs. */
export interface PostOptions {
  readonly dispatch: PeerDispatch;
  readonly repository: string;
  readonly packs: Packs;
  readonly deliver: (from: ServerId, message: Message) => void;
  /** Told of what came of each call to a server: null, or why it failed. */
  readonly called: (to: ServerId, error: KvError | null) => void;
}

/** How long an answer waits for the message that answers a prepare, ms: a vote takes a sync of the disk. */
const ANSWER_WITHIN_MS = 2000;
/** How long a message without objects may take, ms. */
const CALL_WITHIN_MS = 5000;
/** How many messages of a kind are on their way to a server: one that says nothing is not to fill this one's memory. */
const MOST_CALLS = 8;

interface Waiting {
  readonly messages: Message[];
  readonly wake: () => void;
}

/**
 * The protocol's messages between two servers. What a server has to say to one that is asking it goes as the answer, so that a prepare and
 * its vote are one round trip. A message may be lost: it is said again.
 */
export class Post {
  private readonly asking = new Map<ServerId, Waiting[]>();
  /** Prepares on their way, with their objects: the same again would only delay them. */
  private readonly underWay = new Set<string>();
  private readonly told = new Set<string>();
  /** What is on its way, by server and kind; and what is to go next: of a kind the newest, which says all that those before it did. */
  private readonly lines = new Map<string, { calls: number; next: Message | null }>();
  private readonly stopped = new AbortController();
  private readonly end: () => void;

  constructor(private readonly options: PostOptions) {
    setMaxListeners(0, this.stopped.signal); // each call under way listens
    this.end = options.dispatch.on(TOPICS.replica, options.repository, (request) => this.receive(request));
  }

  /** Sends a message, without waiting. */
  send(to: ServerId, message: Message): void {
    if (isSmall(message)) {
      const waiting = this.asking.get(to)?.[0];
      if (waiting !== undefined) {
        waiting.messages.push(message);
        waiting.wake();
        return;
      }
    }
    void this.inLine(to, message);
  }

  /** Sends a message as soon as few enough of its kind are on their way to a server. */
  private async inLine(to: ServerId, message: Message): Promise<void> {
    const name = `${message.kind} ${to}`;
    const line = this.lines.get(name) ?? { calls: 0, next: null };
    this.lines.set(name, line);
    if (line.calls >= MOST_CALLS) {
      line.next = message;
      return;
    }
    line.calls++;
    await this.call(to, message);
    line.calls--;
    const { next } = line;
    line.next = null;
    if (next !== null && !this.stopped.signal.aborted) await this.inLine(to, next);
  }

  /** Ends everything. */
  close(): void {
    this.end();
    this.stopped.abort();
    for (const list of this.asking.values()) for (const { wake } of list) wake();
  }

  private async call(to: ServerId, message: Message): Promise<void> {
    const name = message.kind === 'prepare' ? `${to} ${message.entry.term} ${message.entry.attempt}` : null;
    if (name !== null && this.underWay.has(name)) return;
    const { dispatch, repository, packs, called } = this.options;
    if (name !== null) this.underWay.add(name);
    try {
      const stream = name !== null && this.told.has(name) ? null : await packs.of(message);
      const body = Buffer.concat([Buffer.from(stream === null ? '0' : '1'), encodeMessage(message)]);
      const request = { topic: TOPICS.replica, repository, body, ...(stream === null ? {} : { stream }) };
      const { signal } = this.stopped;
      const answer = await dispatch.transport.call(to, request, {
        signal,
        ...(stream === null ? { withinMs: CALL_WITHIN_MS } : {}),
      });
      if (name !== null) this.tell(name);
      called(to, null);
      for (const each of messagesIn(answer.body)) this.options.deliver(to, each);
      for await (const _ of answer.stream); // it has none: its end is read
    } catch (error) {
      if (!this.stopped.signal.aborted) called(to, toKvError(error));
    } finally {
      if (name !== null) this.underWay.delete(name);
    }
  }

  /** The other side has this prepare's objects, or will ask for them. */
  private tell(name: string): void {
    this.told.add(name);
    if (this.told.size > 100) this.told.delete(this.told.values().next().value as string); // there is a first
  }

  private async receive({ from, body, stream }: ReceivedRequest): Promise<PeerAnswer> {
    const message = decodeMessage(body.subarray(1));
    if (body[0] === 0x31) await this.options.packs.take(message, stream);
    else for await (const _ of stream); // it has none: its end is read
    const waiting = this.listen(from);
    try {
      this.options.deliver(from, message);
      if (message.kind === 'prepare' && waiting.messages.length === 0) await waiting.heard;
      return { body: Buffer.from(JSON.stringify({ messages: waiting.messages })) };
    } finally {
      waiting.end();
    }
  }

  /** What is sent to a server from now on goes here, until it ends. */
  private listen(from: ServerId): { messages: Message[]; heard: Promise<void>; end(): void } {
    let wake: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ANSWER_WITHIN_MS);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    const waiting: Waiting = { messages: [], wake: () => wake() };
    const list = this.asking.get(from) ?? [];
    this.asking.set(from, list);
    list.push(waiting);
    return {
      messages: waiting.messages,
      heard,
      end() {
        wake();
        list.splice(list.indexOf(waiting), 1);
      },
    };
  }
}

/** A message that needs no objects, and is no large list. */
const isSmall = ({ kind }: Message): boolean => kind !== 'prepare' && kind !== 'tail' && kind !== 'snapshot';

function messagesIn(body: Uint8Array): Message[] {
  if (body.length === 0) return [];
  const list = Fields.parse(body, 'answer').list('messages');
  return list.map((one) => decodeMessage(Buffer.from(JSON.stringify(one))));
}
