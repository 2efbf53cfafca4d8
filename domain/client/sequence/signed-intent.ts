import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { IntentTrailers } from '../../ledger/intent/intent.js';

/** A chunk that an intent brings: it is in the clone's store, and its bytes are read when they are sent. Sizes in bytes. */
export interface IntentChunk {
  readonly blob: Oid;
  readonly size: number;
}

/** An intent, signed. */
export interface SignedIntent {
  readonly oid: Oid;
  readonly trailers: IntentTrailers;
  /** Its commit first, then all that it reaches but its chunks, each once. */
  readonly objects: readonly NewObject[];
  readonly chunks: readonly IntentChunk[];
  /** The blobs of its manifests. */
  readonly manifests: readonly Oid[];
  /** Why it is not signed; null when it is. */
  readonly unsigned: string | null;
}
