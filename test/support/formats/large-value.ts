import { chunkDirs } from '../../../domain/ledger/value/manifest.js';
import type { ObjectNamer } from '../../../domain/git/object.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { IntentWish } from './intents.js';

/** A value of two chunks, as an intent sets it. */
export interface LargeValue {
  readonly wish: IntentWish;
  /** The first chunk's blob, and where it lies in a tree of chunks. */
  readonly blob: Oid;
  readonly path: string;
}

const SIZE = 64 * 1024;

/** A key's value of `letter`, in two chunks that are brought. */
export function largeValue(namer: ObjectNamer, key: string, letter: string, ns = 'main'): LargeValue {
  const { hasher } = namer;
  const bodies = [SIZE, SIZE / 2].map((size) => Buffer.alloc(size, letter));
  const chunks = bodies.map((body) => ({
    size: body.length,
    digest: hasher.hex('sha256', body),
    blob: namer.oid('blob', body),
  }));
  const manifest = {
    ...{ key, totalSize: (3 * SIZE) / 2, gitHash: namer.format, chunks },
    etag: `blake3:${hasher.hex('blake3', Buffer.concat(bodies))}`,
    chunking: { mode: 'fixed', size: SIZE } as const,
  };
  const [first] = chunks as [(typeof chunks)[number]];
  const brought = Object.fromEntries(chunks.map(({ digest }, i) => [digest, bodies[i] as Uint8Array]));
  const path = [...chunkDirs(ns, first.digest), first.digest].join('/');
  return { wish: { manifests: [manifest], chunks: brought }, blob: first.blob, path };
}
