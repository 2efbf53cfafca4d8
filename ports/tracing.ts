import { KvError } from './error.js';
import type { TraceContext } from './grammar/trace-context.js';

/** Every span there is, with what it is to its neighbours: it asks another process, answers one, or neither. */
export const SPANS = {
  'git-kv.write': 'internal',
  'git-kv.sign': 'internal',
  'git-kv.push': 'client',
  'stargate.session': 'server',
  'stargate.intent': 'server',
  'stargate.receive': 'internal',
  'stargate.validate': 'internal',
  'stargate.lock': 'internal',
  'stargate.commit': 'internal',
  'stargate.journal': 'internal',
  'stargate.replicate': 'internal',
  'stargate.refs': 'internal',
  'stargate.mirror': 'internal',
  'stargate.mirror.push': 'client',
  'adapter.call': 'client',
  'api.request': 'server',
  'api.repository': 'internal',
  'api.persist': 'internal',
} as const satisfies Readonly<Record<string, 'internal' | 'client' | 'server'>>;

/** The name of a span. */
export type SpanName = keyof typeof SPANS;

/**
 * All that a span may say of itself. There is no field for a key, a value, a ref or a message, which might quote one of these: what is
 * not here can't be told.
 */
export interface SpanFacts {
  /** The transactions' ids (ULIDs). */
  readonly txn?: readonly string[];
  readonly ns?: readonly string[];
  /** What the log and the client call this request. */
  readonly request?: string;
  /** What was asked for: `git-receive-pack`, an admin verb, a call of an adapter, `leader-lock.acquire`, or a route, `GET /version`. */
  readonly command?: string;
  /** `OK`, or the error's code. */
  readonly code?: string;
  /** What an HTTP request was answered with. */
  readonly status?: number;
  /** Bytes that came. */
  readonly bytes?: number;
  /** Keys set, and keys deleted. */
  readonly set?: number;
  readonly del?: number;
  /** How many transactions went together. */
  readonly batch?: number;
  /** How often it was tried again. */
  readonly retries?: number;
}

/** How long a list of facts, and one text in it, may be. */
const MOST_LISTED = 100;
const MOST_CHARACTERS = 100;

/** Where each fact goes. Attributes are named as OpenTelemetry has it, in a space of our own. */
const ATTRIBUTES: Readonly<Record<keyof SpanFacts, string>> = {
  txn: 'git_kv.txn',
  ns: 'git_kv.ns',
  request: 'git_kv.request',
  command: 'git_kv.command',
  code: 'git_kv.code',
  status: 'git_kv.status',
  bytes: 'git_kv.bytes',
  set: 'git_kv.set',
  del: 'git_kv.del',
  batch: 'git_kv.batch',
  retries: 'git_kv.retries',
};

/** The value of an attribute. */
export type AttributeValue = string | number | readonly string[];

/** Facts as attributes, bounded. Anything that `SpanFacts` doesn't know is left out, also where the compiler didn't look. */
export function attributesOf(facts: SpanFacts): Record<string, AttributeValue> {
  const found: Record<string, AttributeValue> = {};
  for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
    const value = facts[name as keyof SpanFacts]; // the table's keys are the facts
    if (value === undefined) continue;
    if (typeof value === 'number') found[attribute] = value;
    else if (typeof value === 'string') found[attribute] = value.slice(0, MOST_CHARACTERS);
    else found[attribute] = value.slice(0, MOST_LISTED).map((text) => text.slice(0, MOST_CHARACTERS));
  }
  return found;
}

/** How a span begins. */
export interface SpanStart {
  readonly facts?: SpanFacts;
  /** Milliseconds since 1970, where it began before this call; a fraction counts. */
  readonly startedAt?: number;
}

/** A piece of work with a beginning and an end. Nothing here throws, waits, or changes what the work does. */
export interface Span {
  /** What another process goes on from; null where nothing is recorded. */
  readonly context: TraceContext | null;
  /** A piece of this work. It may begin and end after this one has ended. */
  child(name: SpanName, start?: SpanStart): Span;
  /** Adds what has become known; the newest of two that say the same counts. Nothing, once it has ended. */
  note(facts: SpanFacts): void;
  /** Ends it; the first call counts. An error leaves its code, and nothing else of it. `endedAt` as `startedAt`. */
  end(error?: unknown, endedAt?: number): void;
}

/** How the first span of this process begins. */
export interface TraceStart extends SpanStart {
  /** What another process has sent; null or absent: a trace begins here. */
  readonly parent?: TraceContext | null;
}

/**
 * Where spans go. They are kept in memory, bounded, and sent now and then: nobody waits for whoever collects them, and what can't be
 * sent in time is dropped and counted.
 */
export interface Tracing {
  /** False where nothing is ever recorded. */
  readonly isOn: boolean;
  begin(name: SpanName, start?: TraceStart): Span;
  /** How many spans could not be delivered. */
  readonly lost: number;
  /** Sends what has ended, waiting a few seconds at most. Idempotent; what ends later is dropped. Never throws. */
  close(): Promise<void>;
}

/** The span of work that nobody follows. */
export const NO_SPAN: Span = {
  context: null,
  child: () => NO_SPAN,
  note: () => undefined,
  end: () => undefined,
};

/** One piece of work in several traces at once: what is said of it is said in each. */
export function together(spans: readonly Span[]): Span {
  const recorded = spans.filter((span) => span !== NO_SPAN);
  const [first = NO_SPAN] = recorded;
  if (recorded.length < 2) return first;
  return {
    context: first.context,
    child: (name, start) => together(recorded.map((span) => span.child(name, start))),
    note: (facts) => recorded.forEach((span) => void span.note(facts)),
    end: (error, endedAt) => recorded.forEach((span) => void span.end(error, endedAt)),
  };
}

/** Ends a span with the work that it stands for; gives what that gives, and throws what it throws. */
export async function during<T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    const done = await work(span);
    span.end();
    return done;
  } catch (error) {
    span.end(error);
    throw error;
  }
}

/** What a span says of how its work ended. */
export const codeOf = (error: unknown): string => (error === undefined ? 'OK' : KvError.is(error) ? error.code : 'UNEXPECTED');
