import type { Oid } from '../../../ports/vocabulary.js';
import { MODE_FILE } from '../../git/tree/tree.js';
import { quotePath } from '../../ledger/value/key.js';
import { parseChunkPath } from '../../ledger/value/manifest.js';
import { inBatches, readBlobs } from '../blobs.js';
import type { Fault, RuleContext } from '../fault.js';
import { treeChanges } from '../trees.js';

/** No chunker that a policy may name cuts larger chunks; more would let one blob fill the memory. Bytes. */
const MAX_CHUNK = 64 * 1024 * 1024;

/** A chunk, and the blob that it is. */
interface AddedChunk {
  readonly digest: string;
  readonly oid: Oid;
}

/**
 * Checks what was done to a chunks tree: chunks were added, in their places. Gives them.
 * `POLICY_VIOLATION` for a foreign path, `ATTESTATION_MISMATCH` for a chunk that was removed or replaced.
 */
export async function checkNewChunks(rules: RuleContext, before: Oid | null, after: Oid): Promise<AddedChunk[]> {
  const { ns, emit } = rules;
  const added: AddedChunk[] = [];
  for (const change of await treeChanges(rules, 'chunks', before, after)) {
    const digest = parseChunkPath(change.path, ns);
    if (digest === undefined || (change.after !== null && change.after.mode !== MODE_FILE)) emit(foreign(change.path, ns));
    else if (change.after === null || change.before !== null) emit(wrongChunk(digest, 'was removed or replaced'));
    if (digest !== undefined && change.after !== null) added.push({ digest, oid: change.after.oid });
  }
  return added;
}

/** Reads chunks: each is what its name says, or `ATTESTATION_MISMATCH`. */
export async function checkDigests(rules: RuleContext, chunks: readonly AddedChunk[]): Promise<void> {
  const { store, emit, namer } = rules;
  const headers = await store.headers(chunks.map(({ oid }) => oid));
  const sized: (AddedChunk & { readonly size: number })[] = [];
  for (const [i, { digest, oid }] of chunks.entries()) {
    const size = headers[i]?.size ?? Number.POSITIVE_INFINITY;
    if (size <= MAX_CHUNK) sized.push({ digest, oid, size });
    else emit(wrongChunk(digest, `is missing or larger than ${MAX_CHUNK} bytes`, oid));
  }
  for (const batch of inBatches(sized)) {
    const bodies = await readBlobs(rules, batch, ({ digest, oid }) => wrongChunk(digest, 'is missing or is no blob', oid));
    for (const [i, { digest, oid }] of batch.entries()) {
      const body = bodies[i];
      if (!body) continue;
      const actual = namer.hasher.hex('sha256', body);
      if (actual !== digest) emit(wrongChunk(digest, `has digest ${actual}`, oid));
    }
  }
}

function foreign(path: string, ns: string): Fault {
  return {
    code: 'POLICY_VIOLATION',
    message: `${quotePath(path)} is no place for a chunk of namespace ${ns}`,
    hint: 'a chunks tree holds only the files that docs/FORMAT.md names',
    subject: { path },
  };
}

function wrongChunk(digest: string, what: string, object?: Oid): Fault {
  return {
    code: 'ATTESTATION_MISMATCH',
    message: `chunk ${digest} ${what}`,
    subject: { chunk: digest, ...(object === undefined ? {} : { object }) },
  };
}
