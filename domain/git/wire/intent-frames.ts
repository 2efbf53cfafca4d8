import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import { formatRejection, parseRejection } from '../../../ports/rejection.js';
import type { ObjectFormat, ObjectType, Oid } from '../../../ports/vocabulary.js';
import type { LedgerMode } from '../../../ports/stargate/policy-reader.js';
import { decodeUtf8, utf8 } from '../bytes.js';
import type { ObjectNamer } from '../object.js';

/**
 * What goes over a stream of intents: frames of a length (4 bytes, big-endian, of what follows), a kind (one ASCII byte) and a payload.
 * `H` greets, `I` brings an intent, `A` answers one, `E` ends the stream with what is wrong. `T`, for a server whose greeting says that it
 * takes them, is the `traceparent` of the intent behind it.
 */

/** What a frame may be. */
export type FrameKind = 'H' | 'I' | 'A' | 'E' | 'T';

/** One frame. */
export interface Frame {
  readonly kind: FrameKind;
  readonly payload: Uint8Array;
}

/** What the server says first. */
export interface Greeting {
  readonly repository: string;
  readonly format: ObjectFormat;
  /** The most bytes that a frame to the server may have. */
  readonly maxFrame: number;
  /** It takes frames of kind `T`. */
  readonly traces: boolean;
  /** The namespaces of the policy, and the epoch that each is in; null: it has no ledger yet. */
  readonly namespaces: readonly { readonly ns: string; readonly mode: LedgerMode; readonly epoch: string | null }[];
}

/** What has come of an intent. */
export interface Ordered {
  readonly ns: string;
  readonly txn: string;
  /** The ledger commit; null: nothing was changed. */
  readonly commit: Oid | null;
  /** The ledger commit before it; null: there was none. */
  readonly parent: Oid | null;
  /** The ledger's root tree after it. */
  readonly tree: Oid | null;
  readonly epoch: string;
  readonly set: number;
  readonly del: number;
  /** The keys of deletions for which there was nothing to delete. */
  readonly unchanged: readonly string[];
  /** The keys that had a TTL and have none now. */
  readonly lostTtl: readonly string[];
  /** It had been ordered before: this is what had come of it then. */
  readonly retried: boolean;
}

/** The answer to the intent of that number on a stream, counted from 0. */
export interface IntentAnswer {
  readonly id: number;
  readonly outcome: Ordered | KvError;
}

const VERSION = 1;
const HEADER = 5;
const KINDS: Readonly<Record<number, FrameKind>> = { 72: 'H', 73: 'I', 65: 'A', 69: 'E', 84: 'T' };
const TYPES: readonly ObjectType[] = ['commit', 'tree', 'blob'];

/** The bytes of a frame. */
export function encodeFrame(kind: FrameKind, payload: Uint8Array): Uint8Array {
  const out = new Uint8Array(HEADER + payload.length);
  new DataView(out.buffer).setUint32(0, payload.length + 1);
  out[4] = kind.charCodeAt(0);
  out.set(payload, HEADER);
  return out;
}

/** Collects frames from pieces of any size. Throws `INPUT_INVALID` for one that is longer than `most` bytes, or of no kind there is. */
export class FrameReader {
  /** What has come and is no frame's yet: from `at` to `end`. Pieces are copied together: each by itself may be a byte, in a hundred. */
  private buffer: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  /** The buffer was made here, so that there may be written behind its end. */
  private own = false;

  constructor(private readonly most: () => number) {}

  /** Bytes that wait for the rest of their frame. */
  get waiting(): number {
    return this.end - this.at;
  }

  /** Bytes of memory that are taken for them. */
  get room(): number {
    return this.buffer.length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.waiting === 0) {
      [this.buffer, this.at, this.end, this.own] = [bytes, 0, bytes.length, false];
    } else {
      if (!this.own || this.end + bytes.length > this.buffer.length) this.grow(bytes.length);
      this.buffer.set(bytes, this.end);
      this.end += bytes.length;
    }
    if (this.waiting >= 4) this.length(); // refused before its bytes are waited for
  }

  /** The next frame that is whole; undefined: more is needed. */
  next(): Frame | undefined {
    if (this.waiting < HEADER) return undefined;
    const end = this.at + 4 + this.length();
    if (this.end < end) return undefined;
    const kind = KINDS[this.buffer[this.at + 4] ?? 0];
    if (kind === undefined) throw invalid('a frame of an unknown kind');
    const payload = this.buffer.subarray(this.at + HEADER, end);
    this.at = end;
    return { kind, payload };
  }

  private length(): number {
    const length = new DataView(this.buffer.buffer, this.buffer.byteOffset + this.at).getUint32(0);
    if (length < 1 || length > this.most()) throw invalid(`a frame of ${length} bytes, where ${this.most()} are taken`);
    return length;
  }

  /** Makes room for so many more bytes. What was handed out stays as it is: it lies in the buffer before. */
  private grow(more: number): void {
    const waiting = this.buffer.subarray(this.at, this.end);
    const buffer = new Uint8Array(Math.max(2 * waiting.length, waiting.length + more));
    buffer.set(waiting);
    [this.buffer, this.at, this.end, this.own] = [buffer, 0, waiting.length, true];
  }
}

/** How long an intent's frame is whose objects have so many bytes, as the greeting's bound counts it. */
export function encodedSize(bodies: readonly number[]): number {
  return bodies.reduce((sum, size) => sum + HEADER + size, 1);
}

/** The payload of an intent: its objects, the commit first. */
export function encodeObjects(objects: readonly Pick<NewObject, 'type' | 'body'>[]): Uint8Array {
  const out = new Uint8Array(objects.reduce((sum, { body }) => sum + HEADER + body.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const { type, body } of objects) {
    out[at] = TYPES.indexOf(type) + 1;
    view.setUint32(at + 1, body.length);
    out.set(body, at + HEADER);
    at += HEADER + body.length;
  }
  return out;
}

/** Reads an intent's objects and names them. Throws `INPUT_INVALID`: torn, none, of no type there is, one of them twice. */
export function decodeObjects(payload: Uint8Array, namer: ObjectNamer): NewObject[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const objects: NewObject[] = [];
  const seen = new Set<Oid>();
  for (let at = 0; at < payload.length; ) {
    const type = TYPES[(payload[at] ?? 0) - 1];
    if (type === undefined || at + HEADER > payload.length) throw invalid('an object of an unknown type');
    const end = at + HEADER + view.getUint32(at + 1);
    if (end > payload.length) throw invalid('an object that is cut short');
    const object = namer.object(type, payload.subarray(at + HEADER, end));
    if (seen.has(object.oid)) throw invalid('an object that comes twice');
    seen.add(object.oid);
    objects.push(object);
    at = end;
  }
  if (objects[0]?.type !== 'commit') throw invalid('an intent that does not begin with its commit');
  return objects;
}

/** The payload of the greeting. */
export function encodeGreeting({ repository, format, maxFrame, traces, namespaces }: Greeting): Uint8Array {
  return json({ v: VERSION, repository, format, max_frame: maxFrame, traces, namespaces });
}

/** Reads the greeting. Throws `FORMAT_UNSUPPORTED` for another version, `INPUT_INVALID` for what is none. */
export function decodeGreeting(payload: Uint8Array): Greeting {
  const { v, repository, format, max_frame: maxFrame, traces, namespaces } = parse(payload);
  if (v !== VERSION)
    throw new KvError('FORMAT_UNSUPPORTED', 'the Stargate takes intents of another version', { hint: 'update git-kv' });
  const formatted = format === 'sha1' || format === 'sha256';
  if (typeof repository !== 'string' || !formatted || typeof maxFrame !== 'number' || !Array.isArray(namespaces))
    throw invalid('a greeting that cannot be read');
  return {
    ...{ repository, format, maxFrame, traces: traces === true },
    namespaces: namespaces.map(({ ns, mode, epoch }: Record<string, unknown>) => ({
      ns: String(ns),
      mode: mode === 'sequenced' ? mode : 'linear',
      epoch: typeof epoch === 'string' ? epoch : null,
    })),
  };
}

/** An answer as one object, as a frame's payload has it and as a push's side band shows it. */
export function answerFields({ id, outcome }: IntentAnswer, txn: string | null = null): Record<string, unknown> {
  if (KvError.is(outcome)) return { id, txn, ok: false, error: formatRejection(outcome) };
  const { lostTtl, ...rest } = outcome;
  return { id, ok: true, ...rest, lost_ttl: lostTtl };
}

/** The payload of an answer. `txn` is the transaction of an intent that was refused, where it is known. */
export function encodeAnswer(answer: IntentAnswer, txn: string | null = null): Uint8Array {
  return json(answerFields(answer, txn));
}

/** Reads an answer. Throws `INPUT_INVALID` for what is none. */
export function decodeAnswer(payload: Uint8Array): IntentAnswer {
  return readAnswer(parse(payload));
}

/** What begins the line of a side band that has the answer to a pushed intent. */
export const ANSWER_LINE = 'kv-answer/1 ';

/** Reads the line of a side band; undefined for any other line. */
export function parseAnswerLine(line: string): IntentAnswer | undefined {
  const plain = line.replace(/^remote: /, '').trim();
  return plain.startsWith(ANSWER_LINE) ? decodeAnswer(utf8(plain.slice(ANSWER_LINE.length))) : undefined;
}

function readAnswer(fields: Record<string, unknown>): IntentAnswer {
  const { id, ok, error, ns, txn, commit, tree, epoch, set, del, unchanged, lost_ttl: lostTtl, retried, parent } = fields;
  if (typeof id !== 'number') throw invalid('an answer that cannot be read');
  if (ok !== true) {
    const outcome = typeof error === 'string' ? parseRejection(error) : undefined;
    if (outcome === undefined) throw invalid('an answer that cannot be read');
    return { id, outcome };
  }
  const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []);
  const outcome: Ordered = {
    ns: String(ns),
    txn: String(txn),
    commit: oid(commit),
    parent: oid(parent),
    tree: oid(tree),
    epoch: String(epoch),
    set: Number(set),
    del: Number(del),
    unchanged: texts(unchanged),
    lostTtl: texts(lostTtl),
    retried: retried === true,
  };
  return { id, outcome };
}

const oid = (value: unknown): Oid | null => (typeof value === 'string' && /^[0-9a-f]{40,64}$/.test(value) ? value : null);

const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

function parse(payload: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(decodeUtf8(payload) ?? '');
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // no JSON: said below
  }
  throw invalid('a frame that cannot be read');
}

const invalid = (what: string): KvError => new KvError('INPUT_INVALID', `the stream of intents has ${what}`);
