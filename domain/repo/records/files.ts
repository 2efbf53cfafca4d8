import type { Oid } from '../../../ports/vocabulary.js';

/** What an entry of a tree is. */
export type EntryMode = '100644' | '100755' | '120000' | '160000' | '40000';

/** A file of some state. */
export interface FileContent {
  readonly path: string;
  readonly oid: Oid;
  readonly mode: string;
  readonly content: Uint8Array;
}

/** An entry of a directory. */
export interface ListedEntry {
  readonly name: string;
  readonly path: string;
  /** `submodule` is a commit of another repository. */
  readonly type: 'file' | 'dir' | 'symlink' | 'submodule';
  readonly mode: string;
  readonly oid: Oid;
  /** Bytes of a file; 0 for anything else. */
  readonly size: number;
}

/** How a path differs between two states. */
export interface PathChange {
  readonly path: string;
  readonly status: 'added' | 'deleted' | 'modified' | 'type-changed';
  readonly oldMode: string | null;
  readonly newMode: string | null;
  readonly oldOid: Oid | null;
  readonly newOid: Oid | null;
}

/** A file to be put somewhere; a text is written as UTF-8. */
export interface FilePut {
  readonly path: string;
  readonly content: Uint8Array | string;
  /** `100644` unless told otherwise; `120000` is a symbolic link whose content is its target. */
  readonly mode?: '100644' | '100755' | '120000';
}

/** Changes to a state: what is put, what is removed (a directory with all below it), what is moved. Applied in the order remove, move, put. */
export interface Changes {
  readonly remove?: readonly string[];
  readonly move?: readonly { readonly from: string; readonly to: string }[];
  readonly put?: readonly FilePut[];
}

/** Where a text stands. */
export interface ContentMatch {
  readonly path: string;
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  readonly content: string;
}

/** What is looked for in a state's files. */
export interface ContentQuery {
  readonly text: string;
  readonly rev?: string;
  /** Globs: `*` within a name, `**` across, `?`. */
  readonly paths?: readonly string[];
  readonly ignoreCase?: boolean;
  readonly limit?: number;
}
