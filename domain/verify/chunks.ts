import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { Hasher } from '../../ports/hasher.js';
import type { NamespacePolicy } from '../../ports/policy-reader.js';
import type { GitObject, Oid } from '../../ports/vocabulary.js';
import { quoteKey } from '../ledger/key.js';
import { chunkDirs, decodeManifest, type Manifest, parseChunkPath } from '../ledger/manifest.js';
import type { Metadata } from '../ledger/metadata.js';
import { checkTotalSize } from './policy-rules.js';
import { MODE_FILE, oidBytesIn } from '../git/tree.js';
import { diffTrees } from '../git/tree-diff.js';
import { type FileEdit, PathEdits } from '../git/tree-draft.js';
import { inBatches, readBlobs } from './blobs.js';
import type { KeyChange } from './ledger-changes.js';

/** No chunker that a policy may name cuts larger chunks; more would let one blob fill the memory. Bytes. */
const MAX_CHUNK = 64 * 1024 * 1024;

/**
 * Checks what a transaction did to the chunks tree: chunks were added, in their places, and each is what its name says.
 * Throws `POLICY_VIOLATION` for a foreign path, `ATTESTATION_MISMATCH` for a wrong digest or a chunk that was removed.
 */
export async function verifyNewChunks(
  store: GitStore,
  hasher: Hasher,
  ns: string,
  before: Oid | null,
  after: Oid,
): Promise<void> {
  const oidBytes = oidBytesIn(store.objectFormat);
  const added: { oid: Oid; digest: string; size: number }[] = [];
  for await (const change of diffTrees(store, before, after, oidBytes)) {
    const digest = parseChunkPath(change.path, ns);
    if (digest === undefined || (change.after !== null && change.after.mode !== MODE_FILE)) {
      throw new KvError('POLICY_VIOLATION', `${JSON.stringify(change.path)} is no place for a chunk of namespace ${ns}`, {
        hint: 'a chunks tree holds only the files that docs/FORMAT.md names',
        details: { path: change.path },
      });
    }
    if (change.after === null || change.before !== null) throw wrongChunk(digest, 'was removed or replaced');
    added.push({ oid: change.after.oid, digest, size: 0 });
  }
  const headers = await store.headers(added.map(({ oid }) => oid));
  const sized = added.map((chunk, i) => ({ ...chunk, size: headers[i]?.size ?? Number.POSITIVE_INFINITY }));
  for (const { digest, size } of sized)
    if (size > MAX_CHUNK) throw wrongChunk(digest, `is missing or larger than ${MAX_CHUNK} bytes`);
  for (const batch of inBatches(sized)) {
    const bodies = await readBlobs(
      store,
      batch.map(({ oid }) => oid),
    );
    batch.forEach(({ digest }, i) => {
      const actual = hasher.hex('sha256', (bodies[i] as GitObject).body);
      if (actual !== digest) throw wrongChunk(digest, `has digest ${actual}`);
    });
  }
}

export interface ManifestRules {
  readonly policy: NamespacePolicy | null;
  readonly ns: string;
  readonly chunksTree: Oid | null;
}

type SetChange = Extract<KeyChange, { op: 'set' }>;

/** Checks manifests against the chunks tree; gives the sizes of the values they stand for, bytes. */
export async function verifyManifests(
  store: GitStore,
  rules: ManifestRules,
  sets: readonly SetChange[],
  metas: ReadonlyMap<string, Metadata>,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const blobs = await readBlobs(
    store,
    sets.map(({ manifest }) => manifest as Oid),
  );
  for (const [i, { key }] of sets.entries()) {
    const manifest = decodeManifest((blobs[i] as GitObject).body, quoteKey(key));
    if (manifest.key !== key) throw mismatch(key, `its manifest is that of ${quoteKey(manifest.key)}`);
    if (manifest.gitHash !== store.objectFormat) throw mismatch(key, `its manifest is made for ${manifest.gitHash} objects`);
    if (manifest.etag !== metas.get(key)?.etag) throw mismatch(key, 'its manifest and its metadata have different ETags');
    if (rules.policy !== null) checkTotalSize(rules.policy, key, manifest.totalSize);
    await verifyReferences(store, rules, key, manifest);
    sizes.set(key, manifest.totalSize);
  }
  return sizes;
}

/** Every chunk that a manifest names is in the chunks tree, as the blob and with the size that it says. */
async function verifyReferences(
  store: GitStore,
  { ns, chunksTree }: ManifestRules,
  key: string,
  manifest: Manifest,
): Promise<void> {
  const edits = new PathEdits();
  const places = manifest.chunks.map(({ digest }) => {
    const edit: FileEdit = { mode: MODE_FILE, oid: null, previous: null };
    edits.put(chunkDirs(ns, digest), digest, edit);
    return { digest, edit };
  });
  await edits.load(store, chunksTree, oidBytesIn(store.objectFormat));
  // A chunk that stands in the value twice has one place, and the last edit of it is the one that was loaded.
  const inTree = new Map(places.map(({ digest, edit }) => [digest, edit.previous]));
  const headers = await store.headers(manifest.chunks.map(({ blob }) => blob));
  manifest.chunks.forEach(({ digest, blob, size }, i) => {
    if (inTree.get(digest) !== blob)
      throw mismatch(key, `chunk ${i} (${digest.slice(0, 12)}…) is not among the chunks of the epoch`);
    if (headers[i]?.size !== size)
      throw mismatch(key, `chunk ${i} has ${headers[i]?.size ?? 'no'} bytes, its manifest says ${size}`);
  });
}

function wrongChunk(digest: string, what: string): KvError {
  return new KvError('ATTESTATION_MISMATCH', `chunk ${digest} ${what}`, { details: { chunk: digest } });
}

function mismatch(key: string, why: string): KvError {
  return new KvError('ATTESTATION_MISMATCH', `key ${quoteKey(key)}: ${why}`, { details: { key } });
}
