import type { ChunkingSpec } from '../../../../ports/chunker.js';
import type { NamespacePolicy } from '../../../../ports/stargate/policy-reader.js';
import { concat } from '../../../git/bytes.js';
import { type ChunkReport, chunkValue, type FindChunks } from '../value/chunk-value.js';
import type { Clone, WritingPorts } from '../../clone/clone.js';
import { checkRequest, ctypeOf, type PreparedOperation, type RequestedOperation } from '../operations.js';

/** What a namespace has when its policy isn't known: the specification's own numbers, bytes. */
const DEFAULT_INLINE = 1024 * 1024;
const DEFAULT_CHUNKING: ChunkingSpec = { mode: 'fastcdc', min: 64 * 1024, avg: 256 * 1024, max: 1024 * 1024, nc: 1 };

interface PreparationContext {
  readonly ns: string;
  readonly policy: NamespacePolicy | null;
  /** Chunk from here on, where that is less than the policy says. Bytes. */
  readonly maxInline: number | undefined;
  /** Gives what to hold a key's new chunks against; asked only when something is chunked. */
  readonly chunks: (key: string) => FindChunks;
  readonly onProgress?: (key: string, bytes: number) => void;
}

/** Operations that are ready to be built into a transaction, and what became of large values. */
export interface Prepared {
  readonly operations: readonly PreparedOperation[];
  readonly chunked: readonly ChunkReport[];
}

/**
 * Reads the values: what is small enough is kept as bytes, the rest is cut into chunks and stored. Every key is checked before
 * the first value is read. A lost race needs none of this again.
 */
export async function prepareOperations(
  clone: Clone,
  ports: WritingPorts,
  context: PreparationContext,
  requests: readonly RequestedOperation[],
): Promise<Prepared> {
  const { ns, policy } = context;
  for (const request of requests) checkRequest(ns, policy, request);
  const limit = Math.min(policy?.maxValueInline ?? DEFAULT_INLINE, context.maxInline ?? Number.POSITIVE_INFINITY);
  const operations: PreparedOperation[] = [];
  const chunked: ChunkReport[] = [];
  for (const request of requests) {
    if (request.op === 'del') {
      operations.push(request);
      continue;
    }
    const { key, expiresAt, priorTtl } = request;
    const ctype = ctypeOf(request);
    if ('chunks' in request.value) {
      operations.push({ op: 'set', key, value: request.value, ctype, expiresAt, priorTtl });
      continue;
    }
    const { head, rest } = await readUpTo(request.value, limit);
    if (rest === null) {
      operations.push({ op: 'set', key, value: head, ctype, expiresAt, priorTtl });
      continue;
    }
    const { onProgress } = context;
    const { manifest, report } = await chunkValue(clone, ports, {
      key,
      spec: policy?.chunking ?? DEFAULT_CHUNKING,
      find: context.chunks(key),
      maxSize: policy?.maxValueTotal ?? Number.POSITIVE_INFINITY,
      input: chain(head, rest),
      ...(onProgress === undefined ? {} : { onProgress: (bytes: number) => onProgress(key, bytes) }),
    });
    operations.push({ op: 'set', key, value: manifest, ctype, expiresAt, priorTtl });
    chunked.push(report);
  }
  return { operations, chunked };
}

/** The whole value when it has at most `limit` bytes, else its beginning and what follows. */
async function readUpTo(
  value: Uint8Array | { readonly stream: AsyncIterable<Uint8Array> },
  limit: number,
): Promise<{ head: Uint8Array; rest: AsyncIterator<Uint8Array> | null }> {
  if (value instanceof Uint8Array) return { head: value, rest: value.length > limit ? nothing()[Symbol.asyncIterator]() : null };
  const iterator = value.stream[Symbol.asyncIterator]();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    parts.push(next.value);
    size += next.value.length;
    if (size > limit) return { head: concat(parts), rest: iterator };
  }
  return { head: concat(parts), rest: null };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* chain(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
