import type { Oid } from '../../../ports/vocabulary.js';
import { quoteKey } from '../../ledger/value/key.js';
import { decodeManifest, type Manifest } from '../../ledger/value/manifest.js';
import { decodeMetadata, type Metadata } from '../../ledger/value/metadata.js';
import { lookUpChunks } from '../write/value/chunk-value.js';
import { chunksTip, fetchChunks } from '../clone/chunks-tip.js';
import type { Clone } from '../clone/clone.js';
import { type KeyState, missing } from './key-state.js';
import { whereTo } from '../write/linear/land.js';
import type { RequestedOperation } from '../write/operations.js';
import type { Freshness } from '../remote/tip-for-reading.js';
import type { LedgerCommit } from '../clone/tips.js';
import { readChunks } from '../read/value.js';

/** A change that puts old states back: what to write, on what condition, and what to call it. */
export interface PutBack {
  readonly operations: readonly RequestedOperation[];
  /** The blobs that the keys have now (null: none): a write that finds others is a conflict. */
  readonly expectBlobs: ReadonlyMap<string, Oid | null>;
  readonly subject: string;
  /** What the writer should know of it. */
  readonly warnings?: readonly string[];
}

/** A key whose state is to become an older one (null: not there). */
export interface Replacement {
  readonly key: string;
  readonly now: KeyState | null;
  readonly old: KeyState | null;
}

const BATCH = 500;

/** What a writer must read: the side it will write to. */
export async function writersFreshness(clone: Clone): Promise<Freshness> {
  const stargate = (await whereTo(clone)) === 'stargate';
  return { readFrom: stargate ? 'stargate' : 'mirror', offline: !stargate };
}

/**
 * The operations that put old states back. Content types are kept, and TTLs that have not passed; any other TTL is the policy's
 * default. A chunked value whose chunks the current epoch has is put back by its manifest alone; one whose chunks were left
 * behind by a rollover is read from its own epoch, and cut again.
 */
export async function putBack(
  clone: Clone,
  ns: string,
  tip: LedgerCommit,
  then: LedgerCommit,
  replacements: readonly Replacement[],
): Promise<Pick<PutBack, 'operations' | 'expectBlobs'>> {
  const freshness = await writersFreshness(clone);
  const operations: RequestedOperation[] = [];
  const chunked: { at: number; key: string; meta: Metadata; manifest: Manifest }[] = [];
  for (let from = 0; from < replacements.length; from += BATCH) {
    const batch = replacements.slice(from, from + BATCH);
    const objects = await clone.store.read(batch.flatMap(({ old }) => (old === null ? [] : [old.meta, old.value])));
    let next = 0;
    for (const { key, old } of batch) {
      if (old === null) {
        operations.push({ op: 'del', key });
        continue;
      }
      const [metaBlob, value] = [objects[next++] ?? missing(old.meta), objects[next++] ?? missing(old.value)];
      const meta = decodeMetadata(metaBlob.body, quoteKey(key));
      if (old.chunked) chunked.push({ at: operations.length, key, meta, manifest: decodeManifest(value.body, quoteKey(key)) });
      operations.push(setOf(clone, key, value.body, meta));
    }
  }
  const here = await chunksHere(
    clone,
    ns,
    tip.trailers.epoch,
    chunked.map(({ manifest }) => manifest),
    freshness,
  );
  for (const { at, key, meta, manifest } of chunked) {
    const source = { ns, key, epoch: then.trailers.epoch, manifest, meta, ...freshness };
    operations[at] = setOf(clone, key, here(manifest) ? manifest : { stream: readChunks(clone, source) }, meta);
  }
  return { operations, expectBlobs: new Map(replacements.map(({ key, now }) => [key, now?.value ?? null])) };
}

function setOf(
  clone: Clone,
  key: string,
  value: (RequestedOperation & { op: 'set' })['value'],
  meta: Metadata,
): RequestedOperation {
  const expiresAt = meta.ttl === null ? undefined : Date.parse(meta.ttl);
  const set = { op: 'set', key, value, ctype: meta.ctype } as const;
  return expiresAt === undefined || expiresAt <= clone.clock.now() ? set : { ...set, expiresAt };
}

/** Whether an epoch has all the chunks of a manifest. */
async function chunksHere(
  clone: Clone,
  ns: string,
  epoch: string,
  manifests: readonly Manifest[],
  freshness: Freshness,
): Promise<(manifest: Manifest) => boolean> {
  if (manifests.length === 0) return () => false;
  if (!freshness.offline) await fetchChunks(clone, ns, epoch, freshness.readFrom);
  const tree = (await chunksTip(clone, ns, epoch, freshness.readFrom))?.tree ?? null;
  const digests = [...new Set(manifests.flatMap(({ chunks }) => chunks.map(({ digest }) => digest)))];
  const found = await lookUpChunks(clone, ns, tree, digests);
  return ({ chunks }) => chunks.every(({ digest, blob }) => found.get(digest) === blob);
}
