import type { Oid } from '../../../ports/vocabulary.js';
import { parseChunkPath } from '../../ledger/manifest.js';
import { MODE_FILE } from '../../git/tree.js';
import { inBatches } from '../../verify/blobs.js';
import type { Tally, VerifyContext } from './context.js';
import { changesOf } from './trees.js';

/** Chunks by digest, as the chunks tree has them. */
export type Chunks = Map<string, Oid>;

/** Takes what a chunks commit added into `chunks`; with `digests`, every chunk is read and held against its name. */
export async function takeChunks(
  context: VerifyContext,
  chunks: Chunks,
  change: { readonly before: Oid | null; readonly after: Oid; readonly commit: Oid; readonly epoch: string },
  digests: boolean,
  tally: Tally,
): Promise<void> {
  const { store, findings, ns, hasher } = context;
  const { commit, epoch } = change;
  const place = { commit, epoch };
  const added: { digest: string; oid: Oid; size: number }[] = [];
  for (const { path, before, after } of await changesOf(context, change.before, change.after, place)) {
    const digest = parseChunkPath(path, ns);
    if (digest === undefined || (after !== null && after.mode !== MODE_FILE))
      findings.fault(`${JSON.stringify(path)} is no place for a chunk`, place);
    else if (after === null || before !== null) findings.fault(`chunk ${digest} was removed or replaced`, place);
    if (digest === undefined || after === null) continue;
    chunks.set(digest, after.oid);
    added.push({ digest, oid: after.oid, size: 0 });
  }
  tally.chunks += added.length;
  if (!digests || !context.blobs) return;
  const headers = await store.headers(added.map(({ oid }) => oid));
  const sized = added.map((chunk, i) => ({ ...chunk, size: headers[i]?.size ?? 0 }));
  for (const batch of inBatches(sized)) {
    const bodies = await store.read(batch.map(({ oid }) => oid));
    batch.forEach(({ digest, oid }, i) => {
      const object = bodies[i];
      if (!object) findings.fault(`chunk ${digest} is missing or damaged`, { ...place, object: oid });
      else if (object.type !== 'blob' || hasher.hex('sha256', object.body) !== digest)
        findings.fault(`chunk ${digest} is another one: its digest is ${hasher.hex('sha256', object.body)}`, {
          ...place,
          object: oid,
        });
    });
  }
}
