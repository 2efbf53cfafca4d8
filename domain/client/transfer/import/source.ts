import type { BatchFault } from '../../write/parse-batch.js';
import type { RequestedOperation } from '../../write/operations.js';

/** A file that can be read from its beginning more than once. */
interface RereadableFile {
  open(): AsyncIterable<Uint8Array>;
}

/** What is imported. */
export interface ImportSource extends RereadableFile {
  /** For messages. */
  readonly name: string;
  /** A file that a line names; `folder` is the one that a snapshot's header names, null in a batch. Or why it can't be read. */
  file(path: string, folder: string | null): Promise<RereadableFile | { readonly fault: string }>;
}

/** The formats that an import reads, told by content. */
export type ImportFormat = 'snapshot' | 'batch' | 'consul' | 'etcd';

/** One operation as a reader found it. Lines count from 1. */
export interface ImportEntry {
  readonly line: number;
  readonly operation: RequestedOperation;
  /** A folder's marker, as Consul has them: it stands for no value of its own. */
  readonly folder?: true;
}

/** What a reader gives: entries and faults as they come, warnings at its end. */
export type Found = ImportEntry | BatchFault | { readonly warning: string };

/** A fault of a line that is not about its key. Lines count from 1. */
export const input = (line: number, what: string): BatchFault => ({ line, kind: 'input', what });
