import { isText, jsonText } from '../../ledger/canonical-json.js';
import { utf8 } from '../../git/bytes.js';

/**
 * A snapshot is a file of lines, each one JSON object: a header, a line for each key in the order of the urlsafe keys, and an end.
 * The key lines, and the end with them, depend on the keys' values, types and expiries alone, and on nothing else.
 */

/** The version of snapshots that is written, and the only one that is read. */
export const SNAPSHOT_VERSION = 1;

/** Values above this are never text in a snapshot, and go to files where a folder for them is named. Bytes. */
export const LARGE_VALUE = 1024 * 1024;
/** The largest value that a line may carry. Bytes. */
export const MAX_LINE_VALUE = 16 * 1024 * 1024;
/** What a reader takes as one line: the largest value in base64, and room for the rest. Bytes. */
export const MAX_LINE = 24 * 1024 * 1024;

interface SnapshotHeader {
  readonly ns: string;
  readonly epoch: string;
  /** The ledger commit whose state it is. */
  readonly commit: string;
  /** Only keys that start with this are in it; empty: all. */
  readonly prefix: string;
  /** Where large values lie as files: a folder, from the snapshot's own. Null when there is none. */
  readonly files: string | null;
}

/** The first line of a snapshot, with its LF. */
export function encodeHeader({ ns, epoch, commit, prefix, files }: SnapshotHeader): string {
  const rest = { ...(prefix === '' ? {} : { prefix }), ...(files === null ? {} : { files }) };
  return `${JSON.stringify({ 'git-kv': 'snapshot', v: SNAPSHOT_VERSION, ns, epoch, commit, ...rest })}\n`;
}

/** `sha256` is that of all key lines, their newlines included. */
export function encodeEnd(keys: number, sha256: string): string {
  return `${JSON.stringify({ 'git-kv': 'end', keys, sha256 })}\n`;
}

/** What a key's line says besides its value. */
export interface KeyFacts {
  readonly key: string;
  readonly ctype: string;
  readonly ttl: string | null;
  /** Who set it, when, in which transaction; null unless asked for. */
  readonly provenance: { readonly createdBy: string; readonly createdAt: string; readonly txn: string } | null;
  readonly etag: string;
}

/** A key's line up to its value: the field's name stands there, and what follows is the value as JSON, `}` and a newline. */
export function encodeKeyStart(facts: KeyFacts, field: 'value' | 'value_b64' | 'file'): Uint8Array {
  const { key, ctype, ttl, provenance, etag } = facts;
  const expiry = ttl === null ? '' : `"ttl":${jsonText(ttl)},`;
  const who =
    provenance === null
      ? ''
      : `"created_by":${jsonText(provenance.createdBy)},"created_at":${jsonText(provenance.createdAt)},"txn":${jsonText(provenance.txn)},`;
  return utf8(`{"key":${jsonText(key)},"ctype":${jsonText(ctype)},${expiry}${who}"etag":${jsonText(etag)},"${field}":`);
}

/** The name of a large value's file. */
export function fileNameOf(etag: string): string {
  return etag.replace(':', '-');
}

/** What the header's optional fields say; undefined when one is of the wrong type. */
export function readHeader(fields: Readonly<Record<string, unknown>>): SnapshotHeader | undefined {
  const { ns, epoch, commit, prefix = '', files = null } = fields;
  if (!isText(ns) || !isText(epoch) || !isText(commit) || !isText(prefix)) return undefined;
  return files === null || isText(files) ? { ns, epoch, commit, prefix, files } : undefined;
}
