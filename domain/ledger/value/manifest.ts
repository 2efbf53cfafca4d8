import type { ChunkingSpec } from '../../../ports/chunker.js';
import type { ObjectFormat, Oid } from '../../../ports/vocabulary.js';
import { READER_BOUNDS } from '../../git/bounds.js';
import { decodeRecord, encodeJson, isCount, isText, type RecordFormat } from '../canonical-json.js';

/** One chunk of a value. `digest` is the SHA-256 of its bytes, 64 hex digits; `size` in bytes. */
export interface ManifestChunk {
  readonly size: number;
  readonly digest: string;
  readonly blob: Oid;
}

/** What stands in the ledger in place of a value that is chunked: `<key>.manifest.json`. */
export interface Manifest {
  readonly key: string;
  /** Bytes of the whole value: the sum of the chunks' sizes. */
  readonly totalSize: number;
  /** The chunker, named exactly, so that a later version of the value is cut in the same places. */
  readonly chunking: ChunkingSpec;
  readonly gitHash: ObjectFormat;
  /** `blake3:<64 hex>` of the whole value. */
  readonly etag: string;
  readonly chunks: readonly ManifestChunk[];
}

const DIGEST = /^[0-9a-f]{64}$/;
const ETAG = /^blake3:[0-9a-f]{64}$/;

const FORMAT: RecordFormat<Manifest> = {
  name: 'manifest',
  version: 1,
  most: READER_BOUNDS.manifestBytes,
  read(fields) {
    const { key, total_size: totalSize, chunking, algo, git_hash: gitHash, etype, chunks } = fields;
    if (!isText(key) || !isCount(totalSize) || algo !== 'sha256' || !isText(etype) || !ETAG.test(etype)) return undefined;
    if ((gitHash !== 'sha1' && gitHash !== 'sha256') || !Array.isArray(chunks)) return undefined;
    const spec = readChunking(chunking);
    const list = chunks.map(readChunk);
    if (spec === undefined || list.some((chunk) => chunk === undefined)) return undefined;
    const manifest: Manifest = { key, totalSize, chunking: spec, gitHash, etag: etype, chunks: list as ManifestChunk[] };
    return manifest.chunks.reduce((sum, { size }) => sum + size, 0) === totalSize ? manifest : undefined;
  },
  write: encodeManifest,
};

/** The bytes of a manifest's blob. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return encodeJson({
    v: 1,
    key: manifest.key,
    total_size: manifest.totalSize,
    chunking: writeChunking(manifest.chunking),
    algo: 'sha256',
    git_hash: manifest.gitHash,
    etype: manifest.etag,
    chunks: manifest.chunks.map(({ size, digest, blob }, i) => ({ i, size, digest: `sha256:${digest}`, blob_oid: blob })),
  });
}

/**
 * Reads a manifest. Besides what every record is refused for: chunks out of order, sizes that don't add up, an empty chunk, a
 * digest that isn't 64 hex digits.
 */
export function decodeManifest(bytes: Uint8Array, where: string): Manifest {
  return decodeRecord(FORMAT, bytes, where);
}

function writeChunking(spec: ChunkingSpec): unknown {
  if (spec.mode === 'fixed') return { mode: 'fixed', size: spec.size };
  return { mode: 'fastcdc', min: spec.min, avg: spec.avg, max: spec.max, nc: spec.nc };
}

function readChunking(value: unknown): ChunkingSpec | undefined {
  const { mode, size, min, avg, max, nc } = (value ?? {}) as Record<string, unknown>;
  if (mode === 'fixed') return isCount(size) && size > 0 ? { mode, size } : undefined;
  if (mode !== 'fastcdc' || !isCount(min) || !isCount(avg) || !isCount(max) || !isCount(nc)) return undefined;
  return { mode, min, avg, max, nc };
}

function readChunk(value: unknown, at: number): ManifestChunk | undefined {
  const { i, size, digest, blob_oid: blob } = (value ?? {}) as Record<string, unknown>;
  if (i !== at || !isCount(size) || size === 0 || !isText(digest) || !isText(blob)) return undefined;
  const hex = digest.startsWith('sha256:') ? digest.slice('sha256:'.length) : '';
  return DIGEST.test(hex) && /^[0-9a-f]+$/.test(blob) ? { size, digest: hex, blob } : undefined;
}

/** Where a chunk lies in a chunks tree: `kv/<ns>/chunks/sha256/<hh>/<hh>/<digest>`. */
export function chunkDirs(ns: string, digest: string): string[] {
  return ['kv', ns, 'chunks', 'sha256', digest.slice(0, 2), digest.slice(2, 4)];
}

/** The digest that a path of a chunks tree stands for; undefined when no chunk of this namespace can lie there. */
export function parseChunkPath(path: string, ns: string): string | undefined {
  const digest = path.slice(path.lastIndexOf('/') + 1);
  return DIGEST.test(digest) && path === [...chunkDirs(ns, digest), digest].join('/') ? digest : undefined;
}
