import type { Cancellation } from '../../../domain/client/clone/calls/cancellation.js';
import type { Clone as DomainClone } from '../../../domain/client/clone/clone.js';
import { acknowledgedWrite } from '../../../domain/client/write/acknowledged-write.js';
import { pushInDoubt } from '../../../domain/client/write/linear/certain-push.js';
import type { RequestedOperation } from '../../../domain/client/write/operations.js';
import { reservedTrailer } from '../../../domain/ledger/transaction/attestation.js';
import { isWellFormed, utf8 } from '../../../domain/git/bytes.js';
import { KvError } from '../../../ports/error.js';
import { isOid, type ObjectFormat } from '../../../ports/vocabulary.js';
import type { Clone } from '../api/clone.js';
import type { Operation, Receipt, StreamInput, TransactOptions, ValueInput, ValueOptions, WriteOptions } from '../api/write.js';
import type { Call, Calls } from './calls.js';
import { Line } from './line.js';
import { type Defaults, given, milliseconds, namespaceOf, wrong } from './options.js';
import { type Source, sourceOf } from './source.js';

/** How long the mirror is waited for unless a call says otherwise. Milliseconds. */
export const MIRROR_WAIT_MS = 60_000;

/** What is to be written, whatever is said of the transaction. */
export interface Plan {
  readonly operations: Iterable<Operation>;
  readonly expect?: TransactOptions['expect'];
  readonly strictDelete?: boolean;
}

/** What a clone writes. `plain` is the clone outside any call, to find out what became of a push that was broken off. */
export function writingCalls(
  calls: Calls,
  defaults: Defaults,
  plain: DomainClone,
): Pick<Clone, 'set' | 'setStream' | 'del' | 'transact' | 'cas'> {
  const lines = new Map<string, Line>();
  /** Two writes of one clone to a namespace would only race each other. */
  const lineOf = (ns: string): Line => {
    const line = lines.get(ns) ?? new Line();
    lines.set(ns, line);
    return line;
  };
  const write = (plan: Plan, options: WriteOptions): Promise<Receipt> =>
    calls.run(options.signal, async (call) => {
      const ns = namespaceOf(options, defaults);
      const sources: Source[] = [];
      try {
        const request = requestOf(call, plan, options, sources);
        return await lineOf(ns).take(call.signal, () => land(call, plain, ns, request));
      } finally {
        for (const source of sources) await source.close();
      }
    });
  return writingBy(write);
}

/** The calls that write, by what does one transaction. */
export function writingBy(
  write: (plan: Plan, options: WriteOptions) => Promise<Receipt>,
): Pick<Clone, 'set' | 'setStream' | 'del' | 'transact' | 'cas'> {
  const set = (key: string, value: ValueInput | StreamInput, options: ValueOptions & TransactOptions): Promise<Receipt> => {
    const { ctype, ttl, expiresAt, keepTtl } = options;
    return write({ operations: [{ op: 'set', key, value, ctype, ttl, expiresAt, keepTtl }], expect: options.expect }, options);
  };
  return {
    set: async (key, value, options = {}) => set(key, wholeOf(value), { ...options, expect: undefined }),
    setStream: async (key, value, options = {}) => {
      if (typeof value === 'string') throw wrong('a stream', 'an (async) iterable of bytes');
      return set(key, value, { ...options, expect: undefined });
    },
    async del(key, options = {}) {
      if (typeof key !== 'string' && !Array.isArray(key)) throw wrong('key', 'a key, or an array of keys');
      const keys = typeof key === 'string' ? [key] : [...key];
      return write({ operations: keys.map((one) => ({ op: 'del', key: one })), strictDelete: true }, options);
    },
    transact: (operations, options = {}) => write({ operations, expect: options.expect }, options),
    async cas(key, value, options = {}) {
      const { expect, ...rest } = options;
      if (expect === undefined && rest.expectTree === undefined)
        throw wrong('expect', "the key's blob, or null for a key that must not exist; or else give expectTree");
      return set(key, wholeOf(value), { ...rest, expect: expect === undefined ? undefined : { [key]: expect } });
    },
  };
}

/** A transaction as the domain takes it. */
export type Request = Omit<Parameters<typeof acknowledgedWrite>[1], 'ns' | 'onLanded'>;

async function land(call: Call, plain: DomainClone, ns: string, request: Request): Promise<Receipt> {
  const { clone, cancellation } = call;
  try {
    const { receipt, visible } = await acknowledgedWrite(clone, {
      ...{ ns, ...request },
      onLanded: async () => cancellation.landed(),
    });
    return { ...receipt, visible };
  } catch (error) {
    throw await explained(plain, ns, cancellation, error);
  } finally {
    await plain.remotes.close?.(); // a connection that was to be pushed over
  }
}

/** A push that was broken off may have landed: the error says so. */
async function explained(plain: DomainClone, ns: string, { doubt }: Cancellation, error: unknown): Promise<unknown> {
  if (doubt === null || !KvError.is(error) || error.code !== 'INTERRUPTED' || error.details?.['landed'] !== undefined)
    return error;
  return pushInDoubt(plain, ns, doubt, error);
}

/** A transaction as it was asked for. Throws `USAGE` for what can't be meant. */
export function requestOf({ clone, signal }: Call, plan: Plan, options: WriteOptions, sources: Source[]): Request {
  const { objectFormat } = clone.store;
  const operations = [...plan.operations].map((one) => operationOf(one, clone.clock.now(), signal, sources));
  const expectBlobs = new Map(
    Object.entries(plan.expect ?? {}).map(([key, oid]) => [key, oid && oidOf('expect', oid, objectFormat)]),
  );
  const { expectTree, maxInline, message, wait, dryRun, timeout } = options;
  return {
    operations,
    signal,
    timeoutMs: milliseconds('timeout', timeout) ?? MIRROR_WAIT_MS,
    strictDelete: plan.strictDelete === true,
    ...given({
      expectTree: expectTree === undefined ? undefined : oidOf('expectTree', expectTree, objectFormat),
      expectBlobs: expectBlobs.size === 0 ? undefined : expectBlobs,
      maxInline: bytes('maxInline', maxInline),
      subject: message === undefined ? undefined : subjectOf(message),
      wait,
      dryRun,
    }),
  };
}

function operationOf(operation: Operation, now: number, signal: AbortSignal, sources: Source[]): RequestedOperation {
  const { op, key } = operation;
  if (typeof key !== 'string') throw wrong('the key of an operation', 'a string');
  if (op === 'del') return { op, key };
  if (op !== 'set') throw wrong("an operation's op", "'set' or 'del'");
  const { value, ctype, keepTtl } = operation;
  return {
    ...{ op, key, value: inputOf(value, signal, sources), priorTtl: keepTtl === true ? 'keep' : 'warn' },
    ...given({ ctype, expiresAt: expiryOf(operation, now) }),
  };
}

function inputOf(value: ValueInput | StreamInput, signal: AbortSignal, sources: Source[]): Uint8Array | Source {
  if (typeof value === 'string') return textBytes(value);
  if (value instanceof Uint8Array) return value;
  const source = sourceOf(value, signal);
  sources.push(source);
  return source;
}

/** Throws `USAGE` for text that UTF-8 can't hold: what was read back would be another. */
function textBytes(text: string): Uint8Array {
  if (!isWellFormed(text)) throw wrong('a text value', 'one without lone surrogates');
  return utf8(text);
}

/** Throws `USAGE` for what is no value at hand. */
function wholeOf(value: ValueInput): ValueInput {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  throw wrong('a value', 'text or bytes (Uint8Array)', 'streams go through setStream');
}

/** Milliseconds since the epoch. Throws `USAGE` for what is past, and for both at once. */
function expiryOf({ ttl, expiresAt, keepTtl }: ValueOptions, now: number): number | undefined {
  if ([ttl, expiresAt, keepTtl === true ? true : undefined].filter((one) => one !== undefined).length > 1)
    throw wrong('ttl', 'left out where there is expiresAt or keepTtl');
  if (ttl !== undefined && !(typeof ttl === 'number' && ttl > 0)) throw wrong('ttl', 'milliseconds above 0');
  const at = ttl === undefined ? expiresAt : now + Math.round(ttl);
  if (at === undefined) return undefined;
  const ms = at instanceof Date ? at.getTime() : at;
  if (!Number.isSafeInteger(ms) || ms <= now || ms > LATEST) throw wrong('expiresAt', 'a time to come, before the year 10000');
  return ms;
}

const LATEST = Date.UTC(9999, 11, 31);

function bytes(name: string, value: number | undefined): number | undefined {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0))
    throw wrong(name, 'bytes, a whole number of at least 0');
  return value;
}

function oidOf(name: string, oid: string, format: ObjectFormat): string {
  if (typeof oid === 'string' && isOid(oid, format)) return oid;
  throw wrong(name, `a full ${format} object id`, 'get and receipts give them in full');
}

function subjectOf(message: string): string {
  if (typeof message !== 'string' || message.trim() === '') throw wrong('message', 'some text');
  const reserved = reservedTrailer(message);
  if (reserved !== undefined) throw wrong('message', `without a line that begins with ${reserved}:, which is written anyway`);
  return message.trim();
}
