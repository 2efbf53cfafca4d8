import { KvError } from '../../../ports/error.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { NamespacePolicy } from '../../../ports/stargate/policy-reader.js';
import { keyBytes, quoteKey } from '../../ledger/value/key.js';
import type { Manifest } from '../../ledger/value/manifest.js';
import { DEFAULT_CTYPE, formatTime, isContentType, MAX_CTYPE_LENGTH, type Metadata } from '../../ledger/value/metadata.js';
import { throwFault } from '../../verify/fault.js';
import { checkInlineSize, checkLfs, checkPrefix, checkTotalSize, defaultExpiry } from '../../verify/policy-rules.js';
import type { Operation } from '../../ledger/transaction/transaction.js';

/** A value that is read once, as it is written. */
export interface ValueStream {
  readonly stream: AsyncIterable<Uint8Array>;
}

/** What a user asks for, before a policy's defaults. `expiresAt` in ms since the epoch; undefined: the policy's default. */
export type RequestedOperation =
  | {
      readonly op: 'set';
      readonly key: string;
      /** A manifest names chunks that the epoch has already, as when an old value is put back. */
      readonly value: Uint8Array | ValueStream | Manifest;
      readonly ctype?: string;
      readonly expiresAt?: number;
      /** What becomes of a TTL that the key has, where there is no `expiresAt`: it is kept, or it goes with a warning; else without. */
      readonly priorTtl?: 'keep' | 'warn';
    }
  | { readonly op: 'del'; readonly key: string };

/** A requested operation whose value is in hand: its bytes, or the manifest of its chunks. */
export type PreparedOperation =
  | {
      readonly op: 'set';
      readonly key: string;
      readonly value: Uint8Array | Manifest;
      readonly ctype: string;
      readonly expiresAt: number | undefined;
      readonly priorTtl?: 'keep' | 'warn' | undefined;
    }
  | { readonly op: 'del'; readonly key: string };

interface CompletionContext {
  /** Null when the clone doesn't know it; the Stargate then checks alone. */
  readonly policy: NamespacePolicy | null;
  readonly hasher: Hasher;
  /** The mail address of the writer. */
  readonly author: string;
  readonly now: number;
  readonly txn: string;
}

/** Checks what can be checked before a value is read. Throws `KEY_INVALID`, `POLICY_VIOLATION` or `USAGE`. */
export function checkRequest(ns: string, policy: NamespacePolicy | null, request: RequestedOperation): void {
  keyBytes(request.key);
  if (policy !== null && request.op === 'set') checkPrefix(policy, ns, request.key, throwFault);
  if (request.op === 'del' || request.ctype === undefined || isContentType(request.ctype)) return;
  throw new KvError(
    'USAGE',
    `content type of ${quoteKey(request.key)} is not of the form type/subtype (${MAX_CTYPE_LENGTH} characters at the most)`,
    {
      hint: 'for example application/json',
      advice: { id: 'name-content-type' },
    },
  );
}

/** Whether the policy as last fetched refuses a key. An admin may have changed it since, so that is no final answer. */
export function isRefusedBy(policy: NamespacePolicy | null, ns: string, operations: readonly RequestedOperation[]): boolean {
  try {
    for (const operation of operations) checkRequest(ns, policy, operation);
    return false;
  } catch (error) {
    if (KvError.is(error) && error.code === 'POLICY_VIOLATION') return true;
    throw error;
  }
}

/** Checks a value against the policy and fills in its metadata. Throws `POLICY_VIOLATION`. */
export function completeOperation(context: CompletionContext, prepared: PreparedOperation): Operation {
  if (prepared.op === 'del') return prepared;
  const { policy, hasher, now } = context;
  const { key, value } = prepared;
  const expiry = prepared.expiresAt ?? (policy === null ? null : defaultExpiry(policy, now));
  const meta = (etag: string): Metadata => ({
    ctype: prepared.ctype,
    ttl: expiry === null ? null : formatTime(expiry),
    etag,
    createdBy: context.author,
    createdAt: formatTime(now),
    txn: context.txn,
  });
  if (!(value instanceof Uint8Array)) {
    if (policy !== null) checkTotalSize(policy, key, value.totalSize, throwFault);
    return { op: 'set', key, manifest: value, meta: meta(value.etag) };
  }
  if (policy !== null) {
    checkInlineSize(policy, key, value.length, throwFault);
    checkLfs(policy, key, value, throwFault);
  }
  return { op: 'set', key, value, meta: meta(`blake3:${hasher.hex('blake3', value)}`) };
}

/** The content type that a value gets when its writer names none. */
export const ctypeOf = (request: { readonly ctype?: string }): string => request.ctype ?? DEFAULT_CTYPE;

/** Keeps the last operation on each key; gives the keys that had more than one. */
export function lastOfEach(operations: readonly RequestedOperation[]): { kept: RequestedOperation[]; repeated: string[] } {
  const last = new Map<string, RequestedOperation>();
  const repeated = new Set<string>();
  for (const operation of operations) {
    if (last.delete(operation.key)) repeated.add(operation.key);
    last.set(operation.key, operation);
  }
  return { kept: [...last.values()], repeated: [...repeated] };
}
