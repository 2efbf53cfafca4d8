import type { Span } from '../../../ports/tracing.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';

/** An intent that has come. */
export interface IntentRequest {
  readonly oid: Oid;
  /** Has its objects, on top of the repository's. */
  readonly store: GitStore;
  /** Its objects, where the repository has them not yet: they are written with what comes of it. */
  readonly objects?: readonly NewObject[];
  /** Throws what the writer is to see who may not write any more. */
  readonly confirm?: () => void;
  /** What checking and ordering it are a part of. */
  readonly span?: Span;
}
