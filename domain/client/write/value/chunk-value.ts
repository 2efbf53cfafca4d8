import { KvError } from '../../../../ports/error.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { ChunkingSpec } from '../../../../ports/chunker.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { quoteKey } from '../../../ledger/value/key.js';
import { chunkDirs, type Manifest, type ManifestChunk } from '../../../ledger/value/manifest.js';
import { MODE_FILE } from '../../../git/tree/tree.js';
import { type FileEdit, PathEdits } from '../../../git/tree/tree-draft.js';
import { type Clone, namerOf, oidBytesOf, type WritingPorts } from '../../clone/clone.js';

/** How much of a value to hold while its chunks are looked up, bytes. */
const BATCH_BYTES = 16 * 1024 * 1024;

/** What chunking one value came to. Sizes in bytes. */
export interface ChunkReport {
  readonly key: string;
  readonly size: number;
  readonly chunks: number;
  readonly reused: number;
  /** Bytes of chunks that were not there before. */
  readonly newBytes: number;
}

/** The blobs of those of some digests that the epoch is known to have. */
export type FindChunks = (digests: readonly string[]) => Promise<ReadonlyMap<string, Oid>>;

interface ChunkRequest {
  readonly key: string;
  readonly spec: ChunkingSpec;
  /** Tells what need not be stored again. */
  readonly find: FindChunks;
  /** A value above this is refused as soon as it is seen to be. */
  readonly maxSize: number;
  readonly input: AsyncIterable<Uint8Array>;
  /** Told of the bytes read so far. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * Cuts a value into chunks and stores those that the epoch hasn't got, as one pack, in bounded memory.
 * Throws `POLICY_VIOLATION` when the value is too large; what was stored by then is unreachable and Git's to clear up.
 */
export async function chunkValue(
  clone: Clone,
  ports: WritingPorts,
  request: ChunkRequest,
): Promise<{ manifest: Manifest; report: ChunkReport }> {
  const run = new Chunking(clone, ports, request);
  await clone.store.write(run.newChunks());
  return run.result();
}

interface Pending {
  readonly chunk: ManifestChunk;
  readonly body: Uint8Array;
}

class Chunking {
  private readonly chunks: ManifestChunk[] = [];
  private readonly written = new Set<string>();
  private size = 0;
  private reused = 0;
  private newBytes = 0;
  private etag = '';

  constructor(
    private readonly clone: Clone,
    private readonly ports: WritingPorts,
    private readonly request: ChunkRequest,
  ) {}

  async *newChunks(): AsyncGenerator<NewObject> {
    const { hasher, chunkerFor } = this.ports;
    const namer = namerOf(this.clone, hasher);
    const etag = hasher.stream('blake3');
    const chunker = await chunkerFor(this.request.spec);
    let batch: Pending[] = [];
    let held = 0;
    for await (const body of chunker.chunks(this.counted())) {
      etag.update(body);
      const chunk = { size: body.length, digest: hasher.hex('sha256', body), blob: namer.oid('blob', body) };
      this.chunks.push(chunk);
      batch.push({ chunk, body });
      held += body.length;
      if (held < BATCH_BYTES) continue;
      yield* this.missing(batch);
      batch = [];
      held = 0;
    }
    yield* this.missing(batch);
    this.etag = `blake3:${etag.hex()}`;
  }

  result(): { manifest: Manifest; report: ChunkReport } {
    const { key, spec } = this.request;
    const { size, chunks, reused, newBytes, etag } = this;
    return {
      manifest: { key, totalSize: size, chunking: spec, gitHash: this.clone.store.objectFormat, etag, chunks },
      report: { key, size, chunks: chunks.length, reused, newBytes },
    };
  }

  private async *counted(): AsyncGenerator<Uint8Array> {
    const { key, maxSize, input, onProgress } = this.request;
    for await (const bytes of input) {
      this.size += bytes.length;
      if (this.size > maxSize) {
        throw new KvError('POLICY_VIOLATION', `value of ${quoteKey(key)} has more than the ${maxSize} bytes of max_value_total`, {
          hint: 'an admin can raise max_value_total in the policy',
          details: { key, limit: maxSize },
        });
      }
      onProgress?.(this.size);
      yield bytes;
    }
  }

  /** The chunks of a batch that neither the epoch has nor this value brought already. */
  private async *missing(batch: readonly Pending[]): AsyncGenerator<NewObject> {
    const found = await this.request.find(batch.map(({ chunk }) => chunk.digest));
    for (const { chunk, body } of batch) {
      if (this.written.has(chunk.digest) || found.get(chunk.digest) === chunk.blob) {
        this.reused++;
        continue;
      }
      this.written.add(chunk.digest);
      this.newBytes += body.length;
      yield { oid: chunk.blob, type: 'blob', body };
    }
  }
}

/** The blobs of those digests that a chunks tree has. */
export async function lookUpChunks(
  clone: Clone,
  ns: string,
  tree: Oid | null,
  digests: readonly string[],
): Promise<Map<string, Oid>> {
  const found = new Map<string, Oid>();
  if (tree === null) return found;
  const edits = new PathEdits();
  const asked = new Map<string, FileEdit>();
  for (const digest of digests) {
    const edit: FileEdit = { mode: MODE_FILE, oid: null, previous: null };
    edits.put(chunkDirs(ns, digest), digest, edit);
    asked.set(digest, edit);
  }
  await edits.load(clone.store, tree, oidBytesOf(clone));
  for (const [digest, { previous }] of asked) if (previous !== null) found.set(digest, previous);
  return found;
}
