import type { Manifest } from '../../ledger/value/manifest.js';
import { wrongKey, type RuleContext } from '../fault.js';

/** How many chunks to hold at a time. */
const BATCH = 16;

/** Reads a whole value out of its chunks: each is what its digest says, and all together are what the ETag says. */
export async function checkChunkedContent({ store, namer, emit }: RuleContext, key: string, manifest: Manifest): Promise<void> {
  const { hasher } = namer;
  const { chunks } = manifest;
  const etag = hasher.stream('blake3');
  let sound = true;
  for (let at = 0; at < chunks.length; at += BATCH) {
    const batch = chunks.slice(at, at + BATCH);
    const objects = await store.read(batch.map(({ blob }) => blob));
    for (const [i, { digest, blob }] of batch.entries()) {
      const body = objects[i]?.body;
      if (body !== undefined && hasher.hex('sha256', body) === digest) {
        etag.update(body);
        continue;
      }
      sound = false;
      const what = body === undefined ? 'is missing or damaged' : 'is not what its digest says';
      emit(wrongKey(key, `chunk ${at + i} (${digest.slice(0, 12)}…) ${what}`, blob));
    }
  }
  if (sound && `blake3:${etag.hex()}` !== manifest.etag)
    emit(wrongKey(key, 'its chunks are sound, but together they are not the value that its ETag names'));
}
