import type { Oid, RefName } from '../../../ports/vocabulary.js';
import type { Signature } from './commits.js';

/** A branch or a tag. */
export interface NamedRef {
  /** The short name. */
  readonly name: string;
  readonly ref: RefName;
  /** What the ref names: for an annotated tag, the tag object. */
  readonly oid: Oid;
  /** The commit that it leads to; null for a tag of something else. */
  readonly commit: Oid | null;
}

/** A branch as a listing shows it. */
export interface Branch extends NamedRef {
  readonly current: boolean;
}

/** A tag as a listing shows it. */
export interface Tag extends NamedRef {
  /** Of an annotated tag. */
  readonly message: string | null;
  readonly tagger: Signature | null;
}

/** A change of a ref, told once it counts. */
export interface RefEvent {
  /** From 1, without gaps. */
  readonly sequence: number;
  readonly ref: RefName;
  readonly old: Oid | null;
  readonly next: Oid | null;
  /** What did it: `commit`, `merge`, `branch`, `reset`, … */
  readonly reason: string;
  readonly time: number;
}
