import { createHash } from 'node:crypto';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { ObjectFormat, Oid } from '../../../ports/vocabulary.js';
import { zlibStream } from './deflate.js';
import { MAX_ENTRY_HEADER, PACK_HEADER, writeEntryHeader, writePackHeader } from './pack-entry.js';

/** A pack of a few objects, without deltas, whole in memory: what a small push sends. */
export function smallPack(format: ObjectFormat, objects: readonly NewObject[]): Buffer {
  const once = new Map<Oid, NewObject>(objects.map((object) => [object.oid, object]));
  const header = Buffer.alloc(PACK_HEADER);
  writePackHeader(header, once.size);
  const parts: Uint8Array[] = [header];
  for (const { type, body } of once.values()) {
    const entry = Buffer.alloc(MAX_ENTRY_HEADER);
    parts.push(entry.subarray(0, writeEntryHeader(entry, 0, type, body.length)), zlibStream(body));
  }
  const pack = Buffer.concat(parts);
  return Buffer.concat([pack, createHash(format).update(pack).digest()]);
}
