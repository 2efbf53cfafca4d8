import { KvError } from '../../ports/error.js';
import type { Hasher } from '../../ports/hasher.js';
import type { NamespacePolicy } from '../../ports/policy-reader.js';
import { keyBytes, quoteKey } from '../key.js';
import { DEFAULT_CTYPE, formatTime, isContentType, MAX_CTYPE_LENGTH } from '../metadata.js';
import { checkInlineSize, checkLfs, checkPrefix, defaultExpiry } from '../policy.js';
import type { Operation } from '../transaction.js';

/** What a user asks for, before a policy's defaults. `expiresAt` in ms since the epoch; undefined: the policy's default. */
export type RequestedOperation =
  | { readonly op: 'set'; readonly key: string; readonly value: Uint8Array; readonly ctype?: string; readonly expiresAt?: number }
  | { readonly op: 'del'; readonly key: string };

export interface CompletionContext {
  readonly ns: string;
  /** Null when the clone doesn't know it; the Stargate then checks alone. */
  readonly policy: NamespacePolicy | null;
  readonly hasher: Hasher;
  /** The mail address of the writer. */
  readonly author: string;
  readonly now: number;
}

/** Checks a user's operation and fills in what it leaves open. Throws `KEY_INVALID`, `POLICY_VIOLATION` or `USAGE`. */
export function completeOperation(context: CompletionContext, request: RequestedOperation): Operation {
  const { ns, policy, now } = context;
  keyBytes(request.key);
  if (policy !== null) checkPrefix(policy, ns, request.key);
  if (request.op === 'del') return request;
  const ctype = request.ctype ?? DEFAULT_CTYPE;
  if (!isContentType(ctype)) {
    throw new KvError(
      'USAGE',
      `content type of ${quoteKey(request.key)} is not of the form type/subtype (${MAX_CTYPE_LENGTH} characters at the most)`,
      {
        hint: 'for example --ctype application/json',
      },
    );
  }
  if (policy !== null) {
    checkInlineSize(policy, request.key, request.value.length);
    checkLfs(policy, request.key, request.value);
  }
  const expiry = request.expiresAt ?? (policy === null ? null : defaultExpiry(policy, now));
  return {
    op: 'set',
    key: request.key,
    value: request.value,
    meta: {
      ctype,
      ttl: expiry === null ? null : formatTime(expiry),
      etag: `blake3:${context.hasher.hex('blake3', request.value)}`,
      createdBy: context.author,
      createdAt: formatTime(now),
    },
  };
}

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
